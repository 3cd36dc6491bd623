import { randomBytes } from 'node:crypto'
import { messageOf } from '../errors.ts'
import { after, type Clock, DeadlineError, withDeadline } from '../lib/clock.ts'
import type { HttpAnswer, HttpSender } from '../lib/http-sender.ts'
import { publicUrls } from '../origin/public-urls.ts'
import type { StreamFinding } from './probe-verdict.ts'

/** What the two events say; an edge that holds a stream back delivers both at once. */
const firstEvent = 'data: first\n\n'
const lastEvent = 'data: last\n\n'
/** Time between the two, ms. */
const gapMs = 1_500
/** How long a ticket is good for, ms. */
const ticketMs = 60_000
const maxTickets = 16
const maxOpenStreams = 8

export type ProbeStreams = ReturnType<typeof createProbeStreams>

/**
 * Creates the streams by which a probe sees whether an edge passes events on as they are written.
 * Tickets are random and known to this process only, so nothing is signed.
 */
export function createProbeStreams(clock: Clock) {
  const goodUntil = new Map<string, number>()
  let open = 0

  function isGood(ticket: string): boolean {
    for (const [known, until] of goodUntil) if (until <= clock.now()) goodUntil.delete(known)
    return goodUntil.has(ticket)
  }

  return {
    /** Lets whoever has the ticket open streams for a minute, or until it is given back. */
    issue() {
      const oldest = goodUntil.keys().next().value
      if (goodUntil.size >= maxTickets && oldest !== undefined) goodUntil.delete(oldest)
      const ticket = randomBytes(16).toString('hex')
      goodUntil.set(ticket, clock.now() + ticketMs)
      return { ticket, giveBack: () => goodUntil.delete(ticket) }
    },
    /**
     * Answers a GET or POST: one event at once, another later, then the end. 404 without a good
     * ticket, 429 when too many are open. Bodies are not read.
     */
    serve(ticket: string, signal: AbortSignal): Response {
      if (!isGood(ticket)) return Response.json({ error: 'unknown probe ticket' }, { status: 404 })
      if (open >= maxOpenStreams) {
        return Response.json(
          { error: 'too many probe streams are open' },
          { status: 429, headers: { 'retry-after': '2' } },
        )
      }
      open += 1
      const body = twoEvents({
        clock,
        signal,
        onEnd: () => {
          open -= 1
        },
      })
      return new Response(body, { headers: streamHeaders })
    },
  }
}

/** The headers that MCP's own streams have, so that an edge treats both alike. */
const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  // nginx buffers answers otherwise.
  'x-accel-buffering': 'no',
}

function twoEvents(options: {
  clock: Clock
  signal: AbortSignal
  onEnd: () => void
}): ReadableStream<Uint8Array> {
  const { clock, signal, onEnd } = options
  const encoder = new TextEncoder()
  let end = () => {}
  return new ReadableStream({
    start(controller) {
      const cancelTimer = after(clock, gapMs, () => {
        controller.enqueue(encoder.encode(lastEvent))
        controller.close()
        end()
      })
      const onAbort = () => {
        controller.close()
        end()
      }
      end = () => {
        end = () => {}
        cancelTimer()
        signal.removeEventListener('abort', onAbort)
        onEnd()
      }
      controller.enqueue(encoder.encode(firstEvent))
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    },
    cancel: () => end(),
  })
}

interface MeasureStreamOptions {
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
