export type Fields = Record<string, unknown>
export type Era = 'legacy' | 'modern'

/** One request, notification or answer as it came in, whatever carried it. */
export interface Incoming {
  readonly text: string
  readonly message: Fields & { id?: unknown; method?: string; params?: Fields }
  readonly headers: Readonly<Record<string, unknown>>
}

/** Whoever is connected: a stdio pipe, an HTTP or SSE session, or all callers of a 2026 server. */
export interface Peer {
  /** What it said with `initialize`, and since. */
  readonly said: Fields[]
  readonly waiting: Map<unknown, (text: string) => void>
  level: unknown
  cancellations: number
  lastNotification: string
  /** Sends on the stream that belongs to no call. */
  send(text: string): void
}

/** One call: `tell` sends on its own stream, in order, in one chunk with what follows at once. */
export interface Call extends Incoming {
  readonly era: Era
  readonly peer: Peer
  readonly peers: ReadonlySet<Peer>
  tell(text: string): void
  /** Resolves when it was cancelled. */
  readonly cancelled: Promise<void>
}

/** Answers with `"result":…` or `"error":…` as text; undefined for no answer at all. */
export type Handler = (call: Call) => string | undefined | Promise<string | undefined>

export function createPeer(send: (text: string) => void): Peer {
  return {
    said: [],
    waiting: new Map(),
    level: undefined,
    cancellations: 0,
    lastNotification: '',
    send,
  }
}

export const result = ({ era }: Pick<Call, 'era'>, fields: Fields): string =>
  `"result":${JSON.stringify(era === 'modern' ? { resultType: 'complete', ...fields } : fields)}`

export const error = (code: number, message: string, data?: unknown): string =>
  `"error":${JSON.stringify({ code, message, ...(data !== undefined && { data }) })}`

export const notification = (method: string, params?: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', method, ...(params !== undefined && { params }) })

let lastQuestion = 0

/**
 * Asks the client in the words of the era: a request whose answer goes on, or an `input_required`
 * result that is answered with the call's repetition.
 */
export async function ask(
  call: Call,
  questions: Readonly<Record<string, { method: string; params: string }>>,
): Promise<{ done: false; body: string } | { done: true; answers: Fields; raw: string }> {
  const all = Object.entries(questions)
  if (call.era === 'modern') {
    const given = call.message.params?.inputResponses
    if (given) {
      return { done: true, answers: given as Fields, raw: call.text }
    }
    const requests = all.map(
      ([key, { method, params }]) => `"${key}":{"method":"${method}","params":${params}}`,
    )
    return {
      done: false,
      body: `"result":{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":"asked"}`,
    }
  }
  let raw = ''
  const answers = await Promise.all(
    all.map(async ([key, { method, params }]) => {
      const id = `question-${++lastQuestion}`
      const answer = new Promise<string>((resolve) => call.peer.waiting.set(id, resolve))
      call.tell(`{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`)
      raw = await answer
      const { result: body, error: refusal } = JSON.parse(raw)
      return [key, body ?? { error: refusal }]
    }),
  )
  return { done: true, answers: Object.fromEntries(answers), raw }
}
