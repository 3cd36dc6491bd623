import { describeAnswer } from './failed-answer.ts'
import { createHttpSender, type HttpTransportOptions } from './http-sender.ts'
import { type Transport, type TransportListener, UpstreamFailure } from './transport.ts'

/**
 * Creates a transport of the deprecated HTTP+SSE (MCP 2024-11-05): one stream brings everything, whose
 * first event names the address that messages are posted to.
 */
export function createSseTransport(
  options: HttpTransportOptions,
  listener: TransportListener,
): Transport {
  const sender = createHttpSender(options)
  const url = new URL(options.config.url)
  let messages: URL | undefined
  let protocolVersion: string | undefined
  let isOver = false
  let endStream = () => {}
  let giveUp = (_reason: Error) => {}

  function end(reason: string): void {
    if (isOver) return
    isOver = true
    // Whoever still waits for it to open.
    giveUp(new UpstreamFailure('lost', reason))
    listener.onClosed(reason)
  }

  function post(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!messages || isOver) {
        return reject(new UpstreamFailure('unseen', 'its event stream is not open'))
      }
      const version = protocolVersion && { 'mcp-protocol-version': protocolVersion }
      sender.send(messages, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...version },
        body: text,
        onEnd(answer) {
          if (answer.status < 300) resolve()
          else
            reject(
              new UpstreamFailure(
                'refused',
                describeAnswer({ ...answer, retryAfter: answer.headers['retry-after'] }),
              ),
            )
        },
        onFailure: reject,
      })
    })
  }

  return {
    open: () =>
      new Promise((resolve, reject) => {
        giveUp = reject
        endStream = sender.send(url, {
          method: 'GET',
          headers: { accept: 'text/event-stream' },
          onEvent(data) {
            if (!data.startsWith('endpoint ')) return listener.onText(data)
            const target = URL.parse(data.slice('endpoint '.length), url.href)
            // What it names decides where our tokens go.
            if (target?.origin !== url.origin) {
              const where = JSON.stringify(data.slice(9, 200))
              return reject(new Error(`it wants messages at another origin: ${where}`))
            }
            messages = target
            resolve()
          },
          onEnd(answer) {
            const reason = answer.stream
              ? 'its event stream ended'
              : describeAnswer({ ...answer, retryAfter: answer.headers['retry-after'] })
            reject(new UpstreamFailure('refused', reason))
            end(reason)
          },
          onFailure(failure) {
            reject(failure)
            end(failure.message)
          },
        })
      }),
    send({ id, text }) {
      post(text).catch((failure: UpstreamFailure) => listener.onFailure(id, failure))
      return () => {}
    },
    post,
    opened(agreed) {
      protocolVersion = agreed.protocolVersion
    },
    async close() {
      endStream()
      end('the connection was closed')
      await sender.close()
    },
  }
}
