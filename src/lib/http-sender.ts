import { X509Certificate } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { checkServerIdentity, createSecureContext, type PeerCertificate } from 'node:tls'
import { Agent, request } from 'undici'

/** Sends HTTP requests over connections of its own, which it keeps open between them. */
export interface HttpSender {
  /** Resolves with the answer's head. @throws whatever the connection, or the signal, says */
  send(url: string, options: SendOptions): Promise<HttpAnswer>
  /** Ends every connection at once. Safe to call twice. */
  close(): Promise<void>
}

interface SendOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Without one it ends with the sender at the latest. */
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  /** One header by its lower-case name; several of that name are joined by commas. */
  header(name: string): string | undefined
  /** Whoever stops reading before the end ends the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface HttpSenderOptions {
  /** PEM of authorities to trust instead of the built-in ones. */
  readonly ca?: readonly string[]
  /** PEM of certificates that are believed, whoever signed them and whatever they are made for. */
  readonly pinned?: readonly string[]
  readonly lookup?: LookupFunction
  /** Called when the other side ends an open connection, as an edge that restarts does. */
  readonly onDropped?: () => void
}

/** How long an idle connection is kept when the other side names no limit, ms. */
const keepAliveMs = 60_000

export function createHttpSender(options: HttpSenderOptions = {}): HttpSender {
  const { lookup, onDropped } = options
  const agent = new Agent({
    allowH2: false,
    keepAliveTimeout: keepAliveMs,
    connect: { ...trustOf(options), ...(lookup && { lookup }) },
  })
  agent.on('disconnect', (_origin, _targets, error) => {
    if ('code' in error && (error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET')) {
      onDropped?.()
    }
  })
  return {
    async send(url, { method = 'GET', headers = {}, body, signal }) {
      const answer = await request(url, {
        dispatcher: agent,
        method,
        headers,
        ...(signal && { signal }),
        ...(body !== undefined && { body }),
      })
      return {
        status: answer.statusCode,
        header: (name) => [answer.headers[name] ?? []].flat().join(', ') || undefined,
        body: answer.body,
      }
    },
    close: () => agent.destroy(),
  }
}

function trustOf({ ca, pinned }: HttpSenderOptions) {
  if (!ca && !pinned) return {}
  const believed = (pinned ?? []).map((pem) => new X509Certificate(pem))
  const fingerprints = new Set(believed.map(({ fingerprint256 }) => fingerprint256))
  // Made once, as reading some 150 authorities takes tens of milliseconds.
  const secureContext = createSecureContext({
    ca: [...(ca ?? []), ...believed.map(String)],
    // A certificate that is believed ends the chain, also where another one signed it.
    ...(pinned && { allowPartialTrustChain: true }),
  })
  return {
    secureContext,
    checkServerIdentity: (host: string, peer: PeerCertificate) =>
      fingerprints.has(peer.fingerprint256) ? undefined : checkServerIdentity(host, peer),
  }
}

/** Reads an answer's body as text, at most `maxBytes` of it; a longer one is cut off. */
export async function readText(answer: HttpAnswer, maxBytes = 65_536): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
}
