import { messageOf } from '../errors.ts'
import { type Clock, waitByClock, withDeadline } from '../lib/clock.ts'
import type { HttpSender } from '../lib/http-sender.ts'
import { askForProof, describeAnswer, type ProofAnswer } from '../origin/proof.ts'
import { measureStream, type ProbeStreams } from './probe-stream.ts'
import type { InterstitialFinding, ProbeVerdict } from './probe-verdict.ts'

export interface ProbeOptions {
  readonly sender: HttpSender
  /** See `/api/proof/:challenge`. */
  readonly prove: (challenge: string) => string
  readonly streams: ProbeStreams
  /** Request header that skips the provider's warning page. */
  readonly skipInterstitialHeader: string | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Says what is waited for; each call replaces the last. */
  readonly onProgress?: (what: string) => void
  /** How long the address may take until it leads here, ms. */
  readonly deadlineMs?: number
}

export type ProbeResult =
  | { readonly ok: true; readonly verdict: ProbeVerdict }
  /** `reason` is the rest of a sentence about the address. */
  | { readonly ok: false; readonly reason: string }

const standardDeadlineMs = 30_000
/** How long one try for the proof may take, and each of the findings, ms. */
const tryMs = 5_000
const findingMs = 8_000
const firstPauseMs = 200
const longestPauseMs = 1_000

/**
 * Waits until an address leads to this process, then finds out how it treats streams and browsers.
 * @throws the signal's reason; everything else is a result
 */
export async function probeAddress(origin: string, options: ProbeOptions): Promise<ProbeResult> {
  const { clock, signal, onProgress } = options
  const startedAt = clock.now()
  onProgress?.(`waiting for ${origin} to lead here`)
  const proof = await untilProven(origin, options)
  signal.throwIfAborted()
  if (!proof.ok) return proof
  onProgress?.('measuring streams')
  const findings = await findOut(origin, options)
  signal.throwIfAborted()
  const { roundTripMs } = proof
  return {
    ok: true,
    verdict: { roundTripMs, ...findings, tookMs: clock.now() - startedAt },
  }
}

type Proven = { ok: true; roundTripMs: number } | { ok: false; reason: string }

/** Asks again and again: a new name needs seconds to exist, and an edge to learn the way. */
async function untilProven(origin: string, options: ProbeOptions): Promise<Proven> {
  const { clock, signal, onProgress, deadlineMs = standardDeadlineMs } = options
  const startedAt = clock.now()
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const askedAt = clock.now()
    const answer = await askInTime(origin, options)
    if (answer.kind === 'proven') return { ok: true, roundTripMs: clock.now() - askedAt }
    const reason = describeAnswer(answer)
    if (signal.aborted || clock.now() - startedAt + pauseMs > deadlineMs)
      return { ok: false, reason }
    const seconds = Math.round((clock.now() - startedAt) / 1000)
    onProgress?.(`waiting for ${origin} to lead here (${seconds} s): ${reason}`)
    await waitByClock(clock, pauseMs, signal)
  }
}

async function askInTime(
  origin: string,
  { clock, signal, sender, prove }: Pick<ProbeOptions, 'clock' | 'signal' | 'sender' | 'prove'>,
) {
  try {
    return await withDeadline((inTime) => askForProof(origin, { sender, prove, signal: inTime }), {
      clock,
      ms: tryMs,
      signal,
    })
  } catch (error) {
    return { kind: 'silence', reason: messageOf(error) } as const
  }
}

async function findOut(
  origin: string,
  options: ProbeOptions,
): Promise<Pick<ProbeVerdict, 'post' | 'get' | 'interstitial'>> {
  const { streams, clock, signal } = options
  const ticket = streams.issue()
  const stream = (method: 'GET' | 'POST') =>
    measureStream(origin, { ...options, method, ticket: ticket.ticket, deadlineMs: findingMs })
  try {
    const [post, get, interstitial] = await Promise.all([
      stream('POST'),
      stream('GET'),
      withDeadline((inTime) => findInterstitial(origin, { ...options, signal: inTime }), {
        clock,
        ms: findingMs,
        signal,
      }).catch((error: unknown) => ({ state: 'unknown', reason: messageOf(error) }) as const),
    ])
    return { post, get, interstitial }
  } finally {
    ticket.giveBack()
  }
}

/** What a person's browser sends when it opens a page; warning pages are shown to this. */
const browserHeaders = {
  'user-agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

/**
 * Whether a browser that opens an address gets a page of the edge's own instead of ours. Decided by
 * what is missing, our proof, and not by a status: edges answer 200, 401 and 511 there.
 */
async function findInterstitial(
  origin: string,
  { sender, prove, signal, skipInterstitialHeader }: ProbeOptions,
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
