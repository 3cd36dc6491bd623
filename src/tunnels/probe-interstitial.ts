import type { HttpSender } from '../lib/http-sender.ts'
import { askForProof, describeAnswer, type ProofAnswer } from '../origin/ask-for-proof.ts'
import type { InterstitialFinding } from './probe-verdict.ts'

/** What a person's browser sends when it opens a page; warning pages are shown to this. */
const browserHeaders = {
  'user-agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

export interface FindInterstitialOptions {
  readonly sender: HttpSender
  readonly prove: (challenge: string) => string
  readonly skipInterstitialHeader: string | undefined
  readonly signal: AbortSignal
}

/**
 * Whether a browser that opens an address gets a page of the edge's own instead of ours. Decided by
 * what is missing, our proof, and not by a status: edges answer 200, 401 and 511 there.
 */
export async function findInterstitial(
  origin: string,
  { sender, prove, signal, skipInterstitialHeader }: FindInterstitialOptions,
): Promise<InterstitialFinding> {
  const ask = (headers: Record<string, string>): Promise<ProofAnswer> =>
    askForProof(origin, { sender, prove, signal, headers: { ...browserHeaders, ...headers } })
  const answer = await ask({})
  if (answer.kind === 'proven') return { state: 'none' }
  if (answer.kind === 'silence' || !answer.contentType.includes('html')) {
    return { state: 'unknown', reason: describeAnswer(answer) }
  }
  const met = { state: 'met', status: answer.status } as const
  if (skipInterstitialHeader === undefined) return met
  const skipped = await ask({ [skipInterstitialHeader]: '1' })
  return skipped.kind === 'proven' ? { ...met, skippedBy: skipInterstitialHeader } : met
}
