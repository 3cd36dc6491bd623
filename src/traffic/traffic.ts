import { createHash } from 'node:crypto'
import type { Aside, CallEntry, EventEntry, MessageEntry, Outcome, TrafficEntry } from './entry.ts'
import { weightOf } from './entry.ts'
import { type KeptBody, keepBody, type SecretNames } from './redact-body.ts'

/** What is kept of the past, and of what passes during one call. */
const bounds = { entries: 2_000, bytes: 32 * 1024 * 1024, asides: 200 }

/** A request as it begins. */
export interface CallFacts {
  readonly profile: string
  readonly client: string
  readonly caller: string
  readonly sessionId: string | undefined
  readonly era: 'legacy' | 'modern'
  readonly method: string
  readonly name: string | undefined
  /** The whole message. */
  readonly text: string
}

type Unnumbered<T extends TrafficEntry> = Omit<T, 'seq' | 'at'> & { at?: number }

/**
 * What passes, for whoever watches: while nobody does, nothing is kept and nothing is done. The past is
 * a ring, bounded by number and bytes; no secret gets into it.
 */
export function createTraffic(options: {
  now: () => number
  names: SecretNames
  /** Values that are secret wherever they are, in this moment. */
  secrets: () => readonly string[]
}) {
  const { now } = options
  const ring: TrafficEntry[] = []
  const watchers = new Set<(entry: TrafficEntry) => void>()
  let bytes = 0
  let lastSeq = 0

  const keep = (text: string): KeptBody =>
    keepBody(text, { ...options.names, values: options.secrets() })

  function add(entry: Unnumbered<CallEntry> | Unnumbered<MessageEntry> | Unnumbered<EventEntry>) {
    lastSeq += 1
    const numbered = { ...entry, seq: lastSeq, at: entry.at ?? now() } as TrafficEntry
    ring.push(numbered)
    bytes += weightOf(numbered)
    while (ring.length > bounds.entries || (bytes > bounds.bytes && ring.length > 1)) {
      const dropped = ring.shift()
      if (dropped) bytes -= weightOf(dropped)
    }
    for (const watcher of watchers) watcher(numbered)
  }

  /** One call that is under way. Ends once. */
  class CallTrace {
    readonly #facts: CallFacts
    readonly #at = now()
    readonly #start = performance.now()
    readonly #asides: Aside[] = []
    #leftOut = 0
    #server: string | undefined
    #sentAt: number | undefined
    #serverMs = 0
    #isOver = false

    constructor(facts: CallFacts) {
      this.#facts = facts
    }

    /** It goes to a server, maybe not the first one that is asked. */
    sent(server: string): void {
      this.#server = server
      this.#sentAt = performance.now()
    }

    /** The server answered, or did not. */
    returned(): void {
      if (this.#sentAt !== undefined) this.#serverMs += performance.now() - this.#sentAt
      this.#sentAt = undefined
    }

    /** A notification or a question on the way, or the client's answer to one. */
    aside(from: Aside['from'], method: string | undefined, text: string): void {
      if (this.#isOver) return
      if (this.#asides.length >= bounds.asides) {
        this.#leftOut += 1
        return
      }
      const afterMs = performance.now() - this.#start
      this.#asides.push({ afterMs, from, ...(method && { method }), body: keep(text) })
    }

    /** @param answer the text of the result, or of the error */
    ended(outcome: 'result' | 'error' | 'cancelled' | 'lost', answer?: string): void {
      if (this.#isOver) return
      this.#isOver = true
      this.returned()
      const { text, sessionId, name, ...facts } = this.#facts
      const judged = judge(outcome, answer)
      add({
        kind: 'call',
        ...facts,
        at: this.#at,
        ...(sessionId !== undefined && { session: shortOf(sessionId) }),
        ...(name !== undefined && { name }),
        ...(this.#server !== undefined && { server: this.#server }),
        request: keep(text),
        ...(answer !== undefined && { answer: keep(answer) }),
        outcome: judged.outcome,
        ...(judged.problem !== undefined && { problem: keep(judged.problem).text }),
        tookMs: performance.now() - this.#start,
        serverMs: this.#serverMs,
        asides: this.#asides,
        ...(this.#leftOut > 0 && { asidesLeftOut: this.#leftOut }),
      })
    }
  }

  return {
    /** What the relay tells of what passes. */
    tap: {
      get isOn() {
        return watchers.size > 0
      },
      begin: (facts: CallFacts) => new CallTrace(facts),
      /** A message that belongs to no call. */
      message(facts: {
        profile: string
        client: string
        sessionId: string | undefined
        from: 'server' | 'client'
        method: string
        text: string
      }): void {
        const { sessionId, text, ...rest } = facts
        const session = sessionId === undefined ? {} : { session: shortOf(sessionId) }
        add({ kind: 'message', ...rest, ...session, body: keep(text) })
      },
    },
    /** Something that happened around the messages; kept while somebody watches. */
    note(event: Omit<EventEntry, 'kind' | 'seq' | 'at'>): void {
      if (watchers.size > 0) add({ kind: 'event', ...event, text: keep(event.text).text })
    },
    /** What is kept of the past, the oldest first. */
    entries: (): readonly TrafficEntry[] => [...ring],
    /** Hears of every entry from now on. The returned function ends that. */
    watch(watcher: (entry: TrafficEntry) => void): () => void {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
  }
}

export type Traffic = ReturnType<typeof createTraffic>

/** A session's id opens it, so a part of its hash stands for it. */
function shortOf(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('hex').slice(0, 8)
}

function judge(
  outcome: 'result' | 'error' | 'cancelled' | 'lost',
  answer: string | undefined,
): { outcome: Outcome; problem?: string | undefined } {
  if (outcome === 'error') {
    const { message } = fieldsOf(answer)
    return { outcome: 'error', problem: typeof message === 'string' ? message : answer }
  }
  if (outcome !== 'result') return { outcome }
  if (!answer?.includes('"isError"')) return { outcome: 'ok' }
  const { isError, content } = fieldsOf(answer)
  if (isError !== true) return { outcome: 'ok' }
  const [first] = Array.isArray(content) ? (content as { text?: unknown }[]) : []
  return { outcome: 'tool-error', problem: String(first?.text ?? '') }
}

function fieldsOf(text: string | undefined): { [name: string]: unknown } {
  try {
    return JSON.parse(text ?? '{}') as { [name: string]: unknown }
  } catch {
    // An answer of the gateway's is JSON; there is nothing to read in another.
    return {}
  }
}
