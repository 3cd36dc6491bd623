import { AsyncLocalStorage } from 'node:async_hooks'
import { isJsonObject } from '../wire-types.ts'
import { mediaType, type Received } from './exchange.ts'

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

const bodilessStatuses = new Set([204, 205, 304])

/** An answer that is not plain, or why there is none; `id` is of the request it was given to. */
export type UnusualAnswer =
  | { kind: 'doubtful'; received: Received; id: number }
  | { kind: 'lost'; error: unknown }

/**
 * Gives the SDK an answer that was received on the fast path, so that only the SDK judges whatever
 * is unusual: refusals, redirects, errors over HTTP, lost connections, results it may find invalid.
 */
export interface Handover {
  /** Runs `request`; its first fetch gets what was received, under the id it asks with. */
  run<T>(answer: UnusualAnswer, request: () => Promise<T>): Promise<T>
  /** The fetch to make the SDK's transport of. */
  wrap(fetch: Fetch): Fetch
}

export function createHandover(): Handover {
  const pending = new AsyncLocalStorage<{ take(init: RequestInit): Response | undefined }>()

  return {
    run(answer, request) {
      let isTaken = false
      const take = (init: RequestInit) => {
        if (isTaken) return undefined
        isTaken = true
        if (answer.kind === 'lost') throw answer.error
        return toResponse(answer.received, { from: answer.id, to: idOf(init.body) })
      }
      return pending.run({ take }, request)
    },
    wrap:
      (fetch) =>
      async (url, init = {}) =>
        pending.getStore()?.take(init) ?? fetch(url, init),
  }
}

function toResponse(
  { status, headers, body }: Received,
  ids: { from: number; to: unknown },
): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    // The body is another one once its id was changed.
    value === undefined || name === 'content-length'
      ? []
      : [value].flat().map((one): [string, string] => [name, one]),
  )
  const text = mediaType(headers) === 'application/json' ? withId(body, ids) : undefined
  const content = bodilessStatuses.has(status) ? null : (text ?? new Uint8Array(body))
  return new Response(content, { status, headers: pairs })
}

function withId(body: Buffer, { from, to }: { from: number; to: unknown }): string | undefined {
  try {
    const message: unknown = JSON.parse(body.toString('utf8'))
    const isOurs = isJsonObject(message) && Number(message.id) === from
    return isOurs ? JSON.stringify({ ...message, id: to }) : undefined
  } catch {
    // No JSON after all: the SDK says so.
    return undefined
  }
}

function idOf(body: unknown): unknown {
  return typeof body === 'string' ? (JSON.parse(body) as { id?: unknown }).id : undefined
}
