import type { MiddlewareHandler } from 'hono'
import type { Logger } from '../../lib/logger.ts'
import type { HttpEnv } from '../http-env.ts'

/** What may wait for a client that reads slowly before its stream ends, bytes. */
export const maxWaitingBytes = 8 * 1024 * 1024

/**
 * Ends the event stream of a client that does not read it, so that what it leaves waiting is bounded;
 * the client may open another one. Every stream towards clients passes here, whether it is a web
 * stream or written to the response directly.
 */
export function boundedStreams(
  logger: Pick<Logger, 'warn'>,
  maxBytes = maxWaitingBytes,
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { outgoing } = c.env
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      const path = c.req.path
      logger.warn('ended a stream: its client does not read', { path, maxBytes })
      outgoing.destroy()
    }
    boundWrites(outgoing, { maxBytes, end })
    await next()
    const isStream = c.res.headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream && c.res.body) {
      c.res = new Response(boundStream(c.res.body, { maxBytes, end }), c.res)
    }
  }
}

interface Bound {
  readonly maxBytes: number
  readonly end: () => void
}

type Outgoing = HttpEnv['Bindings']['outgoing']

function boundWrites(outgoing: Outgoing, { maxBytes, end }: Bound): void {
  const write = outgoing.write.bind(outgoing) as (...args: unknown[]) => boolean
  outgoing.write = (...args: unknown[]) => {
    if (outgoing.writableLength > maxBytes) end()
    return !outgoing.destroyed && write(...args)
  }
}

/**
 * The same stream, read as it is filled: its own queue has no bound. One message of any size is taken
 * in as long as what waits before it is within the bound.
 */
export function boundStream(
  source: ReadableStream<Uint8Array>,
  { maxBytes, end }: Bound,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const pump = async () => {
          for (;;) {
            const { done, value } = await reader.read()
            if (done) return controller.close()
            if ((controller.desiredSize ?? 0) <= 0) return overflow()
            controller.enqueue(value)
          }
        }
        const overflow = () => {
          end()
          controller.error(new Error('its client does not read'))
          return reader.cancel('its client does not read')
        }
        pump().catch((error: unknown) => controller.error(error))
      },
      cancel: (reason) => reader.cancel(reason),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxBytes }),
  )
}
