import type { Readable } from 'node:stream'

/** What is read of a body that nobody asked for, so that its connection can serve again, bytes. */
const discardedBytes = 64 * 1024
/** How long that may take, ms. */
const discardingMs = 1_000

/**
 * A Node body as a web stream that may be cancelled at any moment. `Readable.toWeb` may not: what
 * the body still holds is then put into a closed stream, which throws where nobody can catch it.
 */
export function webBody(body: Readable): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]()
  // Whoever reads learns it from the iterator; without a reader there is nobody to tell.
  body.on('error', () => {})
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        body.destroy()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Gets rid of a body that nobody wants: the little ones are read, all others ended. Never rejects. */
export async function discardBody(response: Response): Promise<void> {
  await readBeginning(response, { maxBytes: discardedBytes, maxMs: discardingMs }).catch(() => {
    // It broke off by itself.
  })
}

/**
 * The beginning of a body: at most `maxBytes`, and what came within `maxMs`. The rest is ended.
 * @throws whatever the connection says, when it breaks off
 */
export async function readBeginning(
  { body }: Pick<Response, 'body'>,
  { maxBytes, maxMs }: { maxBytes: number; maxMs: number },
): Promise<Buffer> {
  if (!body) return Buffer.alloc(0)
  const reader = body.getReader()
  const timer = setTimeout(stop, maxMs)
  // Whoever waits for the next piece is told that there is none.
  function stop(): void {
    void reader.cancel().catch(() => {})
  }
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      size += value.byteLength
      if (size >= maxBytes) {
        stop()
        break
      }
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}
