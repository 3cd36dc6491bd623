import type { MiddlewareHandler } from 'hono'
import type { Logger } from '../../lib/logger.ts'
import type { HttpEnv } from '../http-env.ts'

/** What may wait for a client that reads slowly, besides what is being sent to it, bytes. */
export const maxWaitingBytes = 8 * 1024 * 1024

/**
 * Ends the event stream of a client that does not read it, so that what it leaves waiting is bounded;
 * the client may open another one. Every stream towards clients passes here, whether it is a web
 * stream or written to the response directly.
 */
export function boundedStreams(logger: Pick<Logger, 'warn'>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { outgoing } = c.env
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      const path = c.req.path
      logger.warn('ended a stream: its client does not read', { path, maxWaitingBytes })
      outgoing.destroy()
    }
    boundWrites(outgoing, end)
    await next()
    const isStream = c.res.headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream && c.res.body) {
      const bound = new Response(boundStream(c.res.body, end), c.res)
      // Without it the first events would wait, for the chance that they are all there are.
      bound.headers.set('transfer-encoding', 'chunked')
      c.res = bound
    }
  }
}

function boundWrites(outgoing: HttpEnv['Bindings']['outgoing'], end: () => void): void {
  const write = outgoing.write.bind(outgoing) as (...args: unknown[]) => boolean
  outgoing.write = (...args: unknown[]) => {
    if (outgoing.writableLength > maxWaitingBytes) end()
    return !outgoing.destroyed && write(...args)
  }
}

/**
 * The same stream, read as it is filled, since its own queue has no bound. What waits is handed on as
 * one piece, so that a client which reads is never behind for the number of pieces. One message of any
 * size is taken in while what waits before it is within the bound.
 */
function boundStream(
  source: ReadableStream<Uint8Array>,
  end: () => void,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let wake = () => {}

  async function fill(): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      if (waitingBytes > maxWaitingBytes) {
        // The response is destroyed, whose end cancels this stream.
        end()
        return reader.cancel('its client does not read')
      }
      waiting.push(value)
      waitingBytes += value.byteLength
      wake()
    }
  }

  let isOver = false
  let failure: { error: unknown } | undefined
  fill()
    .catch((error: unknown) => {
      failure = { error }
    })
    .finally(() => {
      isOver = true
      wake()
    })

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (waiting.length === 0 && !isOver) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        const [first, ...more] = waiting
        if (first) {
          controller.enqueue(more.length > 0 ? Buffer.concat(waiting) : first)
          waiting = []
          waitingBytes = 0
        } else if (failure) controller.error(failure.error)
        else controller.close()
      },
      cancel(reason) {
        waiting = []
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
