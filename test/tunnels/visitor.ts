import { type ClientRequest, type IncomingMessage, request } from 'node:http'

/** Where a public address is reached here, as its name resolves nowhere. */
export interface PublicAddress {
  readonly port: number
  readonly host: string
}

export interface Visit {
  readonly method?: string
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** Calls a path of a public address over a connection of its own, and reads the whole answer. */
export async function visit(
  address: PublicAddress,
  path: string,
  options: Visit = {},
): Promise<{ status: number; text: string; headers: IncomingMessage['headers'] }> {
  const { sent, answered } = startVisit(address, path, options)
  sent.end(options.body)
  const answer = await answered
  const text = (await answer.toArray()).join('')
  return { status: answer.statusCode ?? 0, text, headers: answer.headers }
}

/** Starts a call whose body is still to be sent. */
export function startVisit(
  { port, host }: PublicAddress,
  path: string,
  { method = 'GET', headers = {} }: Visit = {},
): { sent: ClientRequest; answered: Promise<IncomingMessage> } {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { ...headers, host },
    agent: false,
    timeout: 30_000,
  })
  sent.on('timeout', () => sent.destroy(new Error('the edge did not answer')))
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', reject)
  })
  // A visitor who leaves on purpose does not wait for the answer.
  answered.catch(() => {})
  return { sent, answered }
}

/** Resolves once a stream has said `text`, or rejects when it ends without. */
export async function untilSaid(stream: IncomingMessage, text: string): Promise<void> {
  let heard = ''
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      heard += chunk
      if (!heard.includes(text)) return
      stream.off('data', onData)
      stream.pause()
      resolve()
    }
    stream.on('data', onData)
    stream.once('end', () => reject(new Error(`the stream ended without ${text}: ${heard}`)))
    stream.once('error', reject)
    stream.resume()
  })
}
