/** How often a comment keeps a silent stream from being taken for dead, ms. */
const keepAliveMs = 15_000

/** An answer that became a stream of server-sent events, because something came before it. */
export interface AnswerStream {
  readonly response: Response
  send(message: object): void
  end(): void
}

/** @param onCancel the client stopped reading */
export function openAnswerStream(onCancel: () => void): AnswerStream {
  const encoder = new TextEncoder()
  let isOver = false
  let keepAlive: NodeJS.Timeout | undefined
  let write = (_frame: string): void => {}
  let close = (): void => {}
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      write = (frame) => controller.enqueue(encoder.encode(frame))
      close = () => controller.close()
    },
    cancel() {
      finish()
      onCancel()
    },
  })
  keepAlive = setInterval(() => write(': keepalive\n\n'), keepAliveMs)
  keepAlive.unref()

  function finish(): void {
    isOver = true
    clearInterval(keepAlive)
  }

  return {
    response: new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        connection: 'keep-alive',
        'x-accel-buffering': 'no',
      },
    }),
    send(message) {
      if (!isOver) write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
    },
    end() {
      if (isOver) return
      finish()
      close()
    },
  }
}
