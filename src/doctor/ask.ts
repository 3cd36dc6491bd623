import { messageOf } from '../errors.ts'
import { settlesWithin } from '../lib/clock.ts'
import { type HttpSender, readText } from '../lib/http-sender.ts'
import type { Answer, AskOptions } from './world.ts'

/**
 * Sends one request and reads the answer; a failure is an answer too. Never rejects. One that takes
 * too long is left alone until the sender closes: a gateway takes whoever hangs up in the middle of
 * the handshake for a client that refuses its certificate.
 */
export async function ask(
  sender: HttpSender,
  url: string,
  { timeoutMs = 2_500, ...request }: AskOptions = {},
): Promise<Answer> {
  const answered = answerTo(sender, url, request)
  if (await settlesWithin(answered, timeoutMs)) return answered
  return { ok: false, code: 'ETIMEDOUT', reason: `no answer within ${timeoutMs / 1000} s` }
}

async function answerTo(sender: HttpSender, url: string, request: AskOptions): Promise<Answer> {
  try {
    const answer = await sender.send(url, request)
    const text = await readText(answer)
    return { ok: true, status: answer.status, header: answer.header, text }
  } catch (error) {
    const { code = 'ERROR' } = error as NodeJS.ErrnoException
    return { ok: false, code, reason: messageOf(error) || code }
  }
}

/** The JSON object an answer holds; undefined when it is something else. */
export function jsonOf(answer: Answer): Readonly<Record<string, unknown>> | undefined {
  if (!answer.ok || answer.status !== 200) return undefined
  try {
    const value: unknown = JSON.parse(answer.text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // A page of somebody else's, say.
    return undefined
  }
}
