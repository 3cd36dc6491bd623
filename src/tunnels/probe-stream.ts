import { randomBytes } from 'node:crypto'
import { after, type Clock } from '../lib/clock.ts'

/** What the two events say; an edge that holds a stream back delivers both at once. */
export const firstEvent = 'data: first\n\n'
export const lastEvent = 'data: last\n\n'
/** Time between the two, ms. */
const gapMs = 1_500
/** How long a ticket is good for, ms. */
const ticketMs = 60_000
const maxTickets = 16
const maxOpenStreams = 8

/** The streams by which a probe sees whether an edge passes events on as they are written. */
export interface ProbeStreams {
  /** Lets whoever has the ticket open streams for a minute, or until it is given back. */
  issue(): ProbeTicket
  /**
   * Answers a GET or POST: one event at once, another later, then the end. 404 without a good
   * ticket, 429 when too many are open. Bodies are not read.
   */
  serve(ticket: string, signal: AbortSignal): Response
}

export interface ProbeTicket {
  readonly ticket: string
  giveBack(): void
}

/** Creates the streams. Tickets are random and known to this process only, so nothing is signed. */
export function createProbeStreams(clock: Clock): ProbeStreams {
  const goodUntil = new Map<string, number>()
  let open = 0

  function isGood(ticket: string): boolean {
    for (const [known, until] of goodUntil) if (until <= clock.now()) goodUntil.delete(known)
    return goodUntil.has(ticket)
  }

  return {
    issue() {
      const oldest = goodUntil.keys().next().value
      if (goodUntil.size >= maxTickets && oldest !== undefined) goodUntil.delete(oldest)
      const ticket = randomBytes(16).toString('hex')
      goodUntil.set(ticket, clock.now() + ticketMs)
      return { ticket, giveBack: () => goodUntil.delete(ticket) }
    },
    serve(ticket, signal) {
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
