import { UpstreamAuthError } from './upstream-auth-error.ts'

/** No metadata document, registration or token answer comes near this, bytes. */
const maxBytes = 256 * 1024

/** What undici gives for an answer. */
export interface RawAnswer {
  readonly statusCode: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: AsyncIterable<Uint8Array>
}

/** The whole answer as a Response. @throws UpstreamAuthError answer-invalid when it is too large */
export async function readResponse(answer: RawAnswer, url: URL): Promise<Response> {
  const body = await readBounded(answer.body, url)
  return new Response([204, 205, 304].includes(answer.statusCode) ? null : body, {
    status: answer.statusCode,
    headers: headerPairs(answer.headers),
  })
}

async function readBounded(
  body: AsyncIterable<Uint8Array>,
  url: URL,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) {
      const message = `The answer of ${url.origin} is larger than ${maxBytes / 1024} KiB and was not read.`
      throw new UpstreamAuthError('answer-invalid', message)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function headerPairs(headers: Record<string, string | string[] | undefined>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  )
}
