import { messageOf } from '../errors.ts'
import { type Clock, DeadlineError, withDeadline } from '../lib/clock.ts'
import type { HttpAnswer, HttpSender } from '../lib/http-sender.ts'
import { publicUrls } from '../origin/public-urls.ts'
import { firstEvent, lastEvent } from './probe-stream.ts'
import type { StreamFinding } from './probe-verdict.ts'

export interface MeasureStreamOptions {
  readonly sender: HttpSender
  readonly method: 'GET' | 'POST'
  readonly ticket: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly deadlineMs: number
}

/** Times the first event of a stream through an address. Never rejects. */
export async function measureStream(
  origin: string,
  options: MeasureStreamOptions,
): Promise<StreamFinding> {
  const { clock, signal, deadlineMs } = options
  try {
    return await withDeadline((inTime) => measure(origin, { ...options, signal: inTime }), {
      clock,
      ms: deadlineMs,
      signal,
    })
  } catch (error) {
    // The stream has ended long before the deadline, so an edge that gave nothing keeps it for good.
    if (error instanceof DeadlineError) return { state: 'withheld' }
    return { state: 'failed', reason: messageOf(error) }
  }
}

async function measure(
  origin: string,
  { sender, method, ticket, clock, signal }: MeasureStreamOptions,
): Promise<StreamFinding> {
  const startedAt = clock.now()
  const answer = await sender.send(publicUrls(origin).probeStream(ticket), {
    method,
    signal,
    headers: {
      accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    },
    ...(method === 'POST' && { body: '{}' }),
  })
  const text = await readUntilEvent(answer)
  if (answer.status !== 200) return { state: 'failed', reason: `HTTP ${answer.status}` }
  if (!text.includes(firstEvent)) return { state: 'failed', reason: 'the events did not arrive' }
  // Both events at once, though they were written a second and a half apart.
  if (text.includes(lastEvent)) return { state: 'withheld' }
  return { state: 'live', firstByteMs: clock.now() - startedAt }
}

const maxCharacters = 4_096

/** What has arrived by the time the first event is complete; the rest is not waited for. */
async function readUntilEvent(answer: HttpAnswer): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes(firstEvent) || text.length > maxCharacters) break
  }
  return text
}
