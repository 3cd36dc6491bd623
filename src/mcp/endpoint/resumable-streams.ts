import { createHash, randomInt } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { type Id, isId, writeAnswer, writeNotification } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { errorText, RpcError } from '../wire/rpc-error.ts'
import type { ClientStream, ClientStreams } from './client-streams.ts'

/** What one session keeps of its streams for a client that comes back. */
const maxKept = { messages: 128, bytes: 512 * 1024 }

interface Kept {
  readonly stream: number
  readonly seq: number
  readonly eventId: string
  readonly text: string
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
  const kept: Kept[] = []
  const live = new Map<number, Stream>()
  let keptBytes = 0
  /** Unlike those of an earlier run, of which a client may still know event ids. */
  let lastKey = randomInt(900_000) * 1_000

  /** One stream of the session. It goes on without a client, who may come back to it. */
  class Stream {
    readonly #key: number
    /** At the end of event ids while its request has no answer, so that none is told as lost. */
    #request: string
    #client: ClientStream | undefined
    #seq = 0
    /** How far a client was there to hear it. */
    #heard = 0
    isFinished = false

    constructor(key: number, request?: Id) {
      this.#key = key
      this.#request = request === undefined ? '' : writeRequestId(request)
      live.set(key, this)
    }

    attach(outgoing: ServerResponse): void {
      this.#client?.end()
      const client = options.streams.open(outgoing, {
        headers,
        onEnd: () => {
          if (this.#client === client) this.#client = undefined
        },
      })
      this.#client = client
    }

    send(text: string): void {
      this.#seq += 1
      const one = { stream: this.#key, seq: this.#seq, eventId: this.#eventId(), text }
      keep(one)
      if (this.#client) this.#deliver(one)
    }

    /** Goes on after an event, or with what was said since nobody listened. */
    resume(outgoing: ServerResponse, seq = this.#heard): void {
      this.attach(outgoing)
      // An id beyond all of ours is of an earlier run: everything of this one was missed.
      const after = seq > this.#seq ? 0 : seq
      const missed = kept.filter((one) => one.stream === this.#key && one.seq > after)
      const lost = (missed[0]?.seq ?? this.#seq + 1) - after - 1
      if (lost > 0) this.#client?.send(lostMessages(lost))
      for (const one of missed) this.#deliver(one)
      this.#heard = this.#seq
      if (this.isFinished) this.#client?.end()
    }

    /** Lets the client go, who comes back after `retryMs`. */
    pause(retryMs: number): void {
      if (options.primes) this.#client?.prime(this.#eventId(), retryMs)
      this.#client?.end()
    }

    /** @param answer what is sent last */
    end(answer?: string): void {
      this.#request = ''
      if (answer !== undefined) this.send(answer)
      this.isFinished = true
      this.#client?.end()
      forgetEmpty(this.#key)
    }

    #deliver({ seq, eventId, text }: Kept): void {
      this.#heard = seq
      this.#client?.send(text, { id: eventId })
    }

    #eventId(): string {
      return `${tag}-${this.#key}-${this.#seq}${this.#request}`
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

  /** The stream that belongs to no call. */
  const own = new Stream(0)

  return {
    own,
    /** Opens the stream of one POST, of which `request` is the only one. */
    open(outgoing: ServerResponse, request: Id | undefined): Stream {
      lastKey += 1
      const stream = new Stream(lastKey, request)
      stream.attach(outgoing)
      return stream
    },
    whenSilent: options.streams.whenSilent,
    /** Goes on after an event. @returns false for what is no id of ours */
    resume(outgoing: ServerResponse, lastEventId: string): boolean {
      const [, whose, key, seq, request] =
        /^([0-9a-f]{8})-(\d{1,9})-(\d{1,9})(?:-([\w-]+))?$/.exec(lastEventId) ?? []
      if (whose !== tag || seq === undefined) return false
      const stream = live.get(Number(key))
      if (stream) stream.resume(outgoing, Number(seq))
      else endLost(outgoing, readRequestId(request))
      return true
    },
    close(): void {
      for (const stream of live.values()) stream.end()
    },
  }

  /** Of an earlier run of the gateway, or too old: the request has no answer any more. */
  function endLost(outgoing: ServerResponse, request: Id | undefined): void {
    const client = options.streams.open(outgoing, { headers })
    if (request !== undefined) client.send(writeAnswer(request, 'error', errorText(answerLost)))
    client.end()
  }
}

export type ResumableStreams = ReturnType<typeof createResumableStreams>

const answerLost = new RpcError(
  rpcCodes.upstreamUnavailable,
  'The answer is lost: the gateway was restarted, or let this session go, while the request was under ' +
    'way. It may have been carried out.',
)

/** One that is longer than ids are stays without. */
const longestRequestId = 128

function writeRequestId(id: Id): string {
  const text = JSON.stringify(id)
  return text.length > longestRequestId ? '' : `-${Buffer.from(text).toString('base64url')}`
}

function readRequestId(written: string | undefined): Id | undefined {
  try {
    const id: unknown = JSON.parse(Buffer.from(written ?? '', 'base64url').toString('utf8'))
    return isId(id) ? id : undefined
  } catch {
    // Nothing was under way, or it is none of ours.
    return undefined
  }
}

/** What is older than the buffer is said, not passed over. */
function lostMessages(count: number): string {
  const data = `${count} messages of this stream are no longer kept`
  const params = { level: 'warning', logger: 'sallyport', data }
  return writeNotification('notifications/message', JSON.stringify(params))
}
