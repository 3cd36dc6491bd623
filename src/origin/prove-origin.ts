import { randomBytes } from 'node:crypto'
import { Agent, request } from 'undici'
import { messageOf } from '../errors.ts'
import { publicUrls } from './public-urls.ts'

/** Whether an address leads to this very process, and how long that took, ms. */
export type Proof = { ok: true; ms: number } | { ok: false; reason: string }

/**
 * Fetches the answer to a fresh challenge through an origin, verifying its certificate. Only this
 * process knows the answer, so another server on that address is not taken for us.
 */
export async function proveOrigin(
  origin: string,
  options: {
    prove: (challenge: string) => string
    /** PEM of an authority to trust besides the built-in ones. */
    ca?: readonly string[]
    timeoutMs: number
  },
): Promise<Proof> {
  const dispatcher = new Agent({ connect: options.ca ? { ca: [...options.ca] } : {} })
  const challenge = randomBytes(16).toString('hex')
  const startedAt = performance.now()
  try {
    const response = await request(publicUrls(origin).proof(challenge), {
      dispatcher,
      signal: AbortSignal.timeout(options.timeoutMs),
    })
    const body = await response.body.text()
    if (response.statusCode !== 200)
      return { ok: false, reason: `it answered HTTP ${response.statusCode}` }
    if (!body.includes(options.prove(challenge))) {
      return { ok: false, reason: 'another server answers there' }
    }
    return { ok: true, ms: Math.round(performance.now() - startedAt) }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  } finally {
    await dispatcher.destroy()
  }
}
