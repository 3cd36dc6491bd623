import picomatch from 'picomatch'
import type { KeptBody } from './redact-body.ts'

/** What became of a call. `lost`: it has no answer, as its client or the gateway left. */
export type Outcome = 'ok' | 'tool-error' | 'error' | 'cancelled' | 'lost'

/** Something that passed during a call, beside its request and its answer. */
export interface Aside {
  /** ms since the request */
  readonly afterMs: number
  readonly from: 'server' | 'client'
  /** Left out of an answer to what the server asked. */
  readonly method?: string
  readonly body: KeptBody
}

/** One request of a client and what followed, complete. */
export interface CallEntry {
  readonly kind: 'call'
  /** In the order in which they ended. */
  readonly seq: number
  /** When the request came, ms since the epoch. */
  readonly at: number
  readonly profile: string
  /** Name and version of the client, as it says. */
  readonly client: string
  /** Who was let in; `anybody` where nobody is asked. */
  readonly caller: string
  /** Tells sessions apart; it is not their id. */
  readonly session?: string
  readonly era: 'legacy' | 'modern'
  /** The last server that was asked; left out when none was. */
  readonly server?: string
  readonly method: string
  /** The tool, prompt or resource, as the client names it. */
  readonly name?: string
  readonly request: KeptBody
  readonly answer?: KeptBody
  readonly outcome: Outcome
  /** Why, in the words of the answer. */
  readonly problem?: string
  /** From the request to its answer, ms, and how much of that the server took. */
  readonly tookMs: number
  readonly serverMs: number
  readonly asides: readonly Aside[]
  /** How many more there were than are kept. */
  readonly asidesLeftOut?: number
}

/** A message that belongs to no call. */
export interface MessageEntry {
  readonly kind: 'message'
  readonly seq: number
  readonly at: number
  readonly profile: string
  readonly client: string
  readonly session?: string
  readonly from: 'server' | 'client'
  readonly method: string
  readonly body: KeptBody
}

/** Something that happened around the messages, in one line. */
export interface EventEntry {
  readonly kind: 'event'
  readonly seq: number
  readonly at: number
  /** Such as `upstream`, `tunnel`, `refused`. */
  readonly what: string
  readonly server?: string
  readonly profile?: string
  readonly text: string
  readonly isProblem: boolean
}

export type TrafficEntry = CallEntry | MessageEntry | EventEntry

/** What somebody wants to see; what is left out does not matter. */
export interface TrafficFilter {
  readonly profile?: string | undefined
  readonly server?: string | undefined
  /** A glob, such as `tools/*`. */
  readonly method?: string | undefined
  /** Text anywhere in it, in small or capital letters. */
  readonly grep?: string | undefined
  /** Only what went wrong. */
  readonly errors?: boolean | undefined
}

export function matcherOf(filter: TrafficFilter): (entry: TrafficEntry) => boolean {
  const { profile, server, errors } = filter
  const isMethod = filter.method === undefined ? () => true : picomatch(filter.method)
  const grep = filter.grep?.toLowerCase()
  return (entry) => {
    if (profile !== undefined && entry.profile !== profile) return false
    if (server !== undefined && !('server' in entry && entry.server === server)) return false
    if (filter.method !== undefined && !('method' in entry && isMethod(entry.method))) return false
    if (errors && !isProblem(entry)) return false
    return grep === undefined || textsOf(entry).some((text) => text.toLowerCase().includes(grep))
  }
}

function isProblem(entry: TrafficEntry): boolean {
  if (entry.kind === 'event') return entry.isProblem
  return entry.kind === 'call' && entry.outcome !== 'ok'
}

function textsOf(entry: TrafficEntry): string[] {
  if (entry.kind === 'event') return [entry.what, entry.server ?? '', entry.text]
  const { method, client, profile } = entry
  if (entry.kind === 'message') return [method, client, profile, entry.body.text]
  const { name = '', server = '', problem = '', request, answer, asides } = entry
  const bodies = [request, answer, ...asides.map(({ body }) => body)]
  return [method, name, client, profile, server, problem, ...bodies.map((body) => body?.text ?? '')]
}

/** What an entry takes of the bound of the ring, bytes. */
export function weightOf(entry: TrafficEntry): number {
  const fixed = 500
  if (entry.kind === 'event') return fixed + entry.text.length
  if (entry.kind === 'message') return fixed + entry.body.text.length
  const asides = entry.asides.reduce((sum, { body }) => sum + 200 + body.text.length, 0)
  return fixed + entry.request.text.length + (entry.answer?.text.length ?? 0) + asides
}
