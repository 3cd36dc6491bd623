import type { HttpAnswer, HttpSender } from '../../../src/lib/http-sender.ts'
import { proveFake } from './prove.ts'

export type SendOptions = Parameters<HttpSender['send']>[1]

export interface FakeAnswer {
  readonly status?: number
  readonly contentType?: string
  readonly body?: AsyncIterable<string> | Iterable<string>
}

/** A sender whose answers a test makes up. */
export function createFakeSender(
  answer: (url: URL, options: SendOptions) => Promise<FakeAnswer> | FakeAnswer,
): HttpSender {
  return {
    async send(url, options): Promise<HttpAnswer> {
      const { status = 200, contentType, body = [] } = await answer(new URL(url), options)
      return {
        status,
        header: (name) => (name === 'content-type' ? contentType : undefined),
        body: encode(body),
      }
    },
    close: async () => {},
  }
}

/** The answer of our own server to a challenge. */
export function proofFor(url: URL): FakeAnswer {
  const challenge = url.pathname.split('/').at(-1) ?? ''
  return {
    contentType: 'application/json',
    body: [JSON.stringify({ proof: proveFake(challenge) })],
  }
}

async function* encode(body: AsyncIterable<string> | Iterable<string>) {
  const encoder = new TextEncoder()
  for await (const part of body) yield encoder.encode(part)
}
