import { randomBytes } from 'node:crypto'
import { messageOf } from '../errors.ts'
import {
  createHttpSender,
  type HttpSender,
  type HttpSenderOptions,
  readText,
} from '../lib/http-sender.ts'
import { publicUrls } from './public-urls.ts'

/** What came back for a challenge that was sent to an origin. */
export type ProofAnswer =
  | { readonly kind: 'proven' }
  /** Somebody answered, but not this process: an edge, a warning page, another server. */
  | { readonly kind: 'stranger'; readonly status: number; readonly contentType: string }
  | { readonly kind: 'silence'; readonly reason: string }

/**
 * Sends a fresh challenge to an origin. Only this process knows the answer, so another server on
 * that address is not taken for us. Never rejects.
 */
export async function askForProof(
  origin: string,
  options: {
    sender: HttpSender
    prove: (challenge: string) => string
    signal: AbortSignal
    headers?: Readonly<Record<string, string>>
  },
): Promise<ProofAnswer> {
  const { sender, prove, signal, headers = {} } = options
  const challenge = randomBytes(16).toString('hex')
  try {
    const answer = await sender.send(publicUrls(origin).proof(challenge), { headers, signal })
    const text = await readText(answer)
    if (answer.status === 200 && text.includes(prove(challenge))) return { kind: 'proven' }
    const contentType = answer.header('content-type') ?? ''
    return { kind: 'stranger', status: answer.status, contentType }
  } catch (error) {
    return { kind: 'silence', reason: messageOf(error) }
  }
}

/** Why an answer proves nothing, as the rest of a sentence about the address. */
export function describeAnswer(answer: Exclude<ProofAnswer, { kind: 'proven' }>): string {
  if (answer.kind === 'silence') return answer.reason
  return answer.status === 200
    ? 'another server answers there'
    : `it answered HTTP ${answer.status}`
}

/** Whether an address leads to this very process, and how long that took, ms. */
export type Proof = { ok: true; ms: number } | { ok: false; reason: string }

/** Proves an origin once, over a connection of its own, verifying its certificate. */
export async function proveOrigin(
  origin: string,
  options: {
    prove: (challenge: string) => string
    /** Whom to believe; the built-in authorities unless given. */
    trust: Pick<HttpSenderOptions, 'ca' | 'pinned'>
    timeoutMs: number
  },
): Promise<Proof> {
  const { prove, trust, timeoutMs } = options
  const sender = createHttpSender(trust)
  const startedAt = performance.now()
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const answer = await askForProof(origin, { sender, prove, signal })
    return answer.kind === 'proven'
      ? { ok: true, ms: Math.round(performance.now() - startedAt) }
      : { ok: false, reason: describeAnswer(answer) }
  } finally {
    await sender.close()
  }
}
