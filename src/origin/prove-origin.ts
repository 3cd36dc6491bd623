import { createHttpSender, type HttpSenderOptions } from '../lib/http-sender.ts'
import { askForProof, describeAnswer } from './ask-for-proof.ts'

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
