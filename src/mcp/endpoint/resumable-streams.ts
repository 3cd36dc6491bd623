import { createHash, randomInt } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { writeNotification } from '../wire/message.ts'
import type { ClientStream, ClientStreams } from './client-streams.ts'

/** What one session keeps of its streams for a client that comes back. */
const maxKept = { messages: 128, bytes: 512 * 1024 }

interface Kept {
  readonly stream: number
  readonly seq: number
  readonly text: string
}

/** One stream of a session. It goes on without a client, who may come back to it. */
export interface ResumableStream {
  readonly key: number
  readonly isFinished: boolean
  send(text: string): void
  /** Lets the client go, who comes back after `retryMs`. */
  pause(retryMs: number): void
  end(): void
}

/**
 * The event streams of one MCP session, each event with an id, so that a client whose connection broke
 * goes on where it was (MCP 2025-11-25, Resumability and Redelivery).
 */
export function createResumableStreams(options: {
  streams: ClientStreams
  sessionId: string
  /** Revisions before 2025-11-25 know no events without data. */
  primes: boolean
}) {
  const headers = { 'mcp-session-id': options.sessionId }
  /** In every event id, which is good in this session alone. */
  const tag = createHash('sha256').update(options.sessionId).digest('hex').slice(0, 8)
  const idOf = (key: number, seq: number) => `${tag}-${key}-${seq}`
  const kept: Kept[] = []
  const live = new Map<number, Stream>()
  let keptBytes = 0
  /** Unlike those of an earlier run, of which a client may still know event ids. */
  let lastKey = randomInt(900_000) * 1_000

  class Stream implements ResumableStream {
    readonly key: number
    client: ClientStream | undefined
    seq: number
    /** How far a client was there to hear it. */
    heard: number
    isFinished = false

    constructor(key: number, seq = 0) {
      this.key = key
      this.seq = seq
      this.heard = seq
    }

    attach(outgoing: ServerResponse): void {
      this.client?.end()
      const client = options.streams.open(outgoing, {
        headers,
        onEnd: () => {
          if (this.client === client) this.client = undefined
        },
      })
      this.client = client
    }

    send(text: string): void {
      this.seq += 1
      keep({ stream: this.key, seq: this.seq, text })
      if (!this.client) return
      this.heard = this.seq
      this.client.send(text, { id: idOf(this.key, this.seq) })
    }

    pause(retryMs: number): void {
      if (options.primes) this.client?.prime(idOf(this.key, this.seq), retryMs)
      this.client?.end()
    }

    end(): void {
      this.isFinished = true
      this.client?.end()
      forgetEmpty(this.key)
    }
  }

  function keep(one: Kept): void {
    kept.push(one)
    keptBytes += one.text.length
    while (kept.length > maxKept.messages || (keptBytes > maxKept.bytes && kept.length > 1)) {
      const dropped = kept.shift()
      if (!dropped) return
      keptBytes -= dropped.text.length
      forgetEmpty(dropped.stream)
    }
  }

  /** A stream that has ended, and of which nothing is kept, is nothing to come back to. */
  function forgetEmpty(key: number): void {
    const isOver = live.get(key)?.isFinished === true
    if (isOver && !kept.some(({ stream }) => stream === key)) live.delete(key)
  }

  function streamOf(key: number, seq: number): Stream {
    const known = live.get(key)
    if (known) return known
    const created = new Stream(key, seq)
    // Of an earlier run of the gateway: what it was to bring is lost, unless it belongs to no call.
    if (key > 0) created.isFinished = true
    live.set(key, created)
    return created
  }

  /** The stream that belongs to no call. */
  const own = streamOf(0, 0)

  return {
    own,
    /** Opens the stream of one POST. */
    open(outgoing: ServerResponse): ResumableStream {
      lastKey += 1
      const stream = new Stream(lastKey)
      live.set(lastKey, stream)
      stream.attach(outgoing)
      return stream
    },
    /** Opens the stream that belongs to no call, with what was said since nobody listened. */
    listen(outgoing: ServerResponse): void {
      own.attach(outgoing)
      const missed = kept.filter(({ stream, seq }) => stream === 0 && seq > own.heard)
      for (const { seq, text } of missed) own.client?.send(text, { id: idOf(0, seq) })
      own.heard = own.seq
    },
    /** Goes on after an event. @returns false for what is no id of ours */
    resume(outgoing: ServerResponse, lastEventId: string): boolean {
      const [, whose, key, seq] = /^([0-9a-f]{8})-(\d{1,9})-(\d{1,9})$/.exec(lastEventId) ?? []
      if (whose !== tag || seq === undefined) return false
      const stream = streamOf(Number(key), Number(seq))
      stream.attach(outgoing)
      // An id beyond all of ours is of an earlier run: everything of this one was missed.
      const after = Number(seq) > stream.seq ? 0 : Number(seq)
      const missed = kept.filter((one) => one.stream === stream.key && one.seq > after)
      const lost = (missed[0]?.seq ?? stream.seq + 1) - after - 1
      if (lost > 0) stream.client?.send(lostMessages(lost))
      for (const one of missed) stream.client?.send(one.text, { id: idOf(one.stream, one.seq) })
      stream.heard = stream.seq
      if (stream.isFinished) stream.client?.end()
      return true
    },
    close(): void {
      for (const stream of live.values()) stream.end()
    },
  }
}

export type ResumableStreams = ReturnType<typeof createResumableStreams>

/** What is older than the buffer is said, not passed over. */
function lostMessages(count: number): string {
  const data = `${count} messages of this stream are no longer kept`
  const params = { level: 'warning', logger: 'sallyport', data }
  return writeNotification('notifications/message', JSON.stringify(params))
}
