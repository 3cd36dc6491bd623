import type { LookupFunction } from 'node:net'
import { isLoopbackHost } from '../lib/loopback.ts'

export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Finds the addresses of a host. @throws Error with `code` ENOTFOUND when it has none now */
export type ResolveHost = (hostname: string) => Promise<readonly HostAddress[]>

/** What a source of names says. `silent`: it cannot be reached, or cannot tell. */
export type NameAnswer =
  | { readonly kind: 'found'; readonly addresses: readonly HostAddress[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'silent' }

/** Asks one source of names. Never rejects, and answers within a deadline of its own. */
export type NameSource = (hostname: string) => Promise<NameAnswer>

export interface HostResolverOptions {
  /** Public sources, which cache nothing on this machine or in its router; asked at once. */
  readonly open: readonly NameSource[]
  /** The system's resolver, whose caches keep an NXDOMAIN for up to half an hour. */
  readonly system: NameSource
  readonly now: () => number
}

/** How long public sources that were all silent are not asked again, ms. */
const silenceMs = 60_000
/**
 * A name that the public sources deny for so long may be one that only the system knows, ms. Quick
 * tunnels' names were measured to appear within 6 s.
 */
const patienceMs = 20_000

/**
 * Creates a resolver for names that may not exist yet: as long as a public source says so, the
 * system is not asked, because it and the router would remember the NXDOMAIN. Caches nothing.
 */
export function createHostResolver({ open, system, now }: HostResolverOptions): ResolveHost {
  let silentUntil = 0
  const absentSince = new Map<string, number>()

  async function askOpen(hostname: string): Promise<NameAnswer> {
    if (now() < silentUntil) return { kind: 'silent' }
    const answer = await firstTelling(open.map((ask) => ask(hostname)))
    if (answer.kind === 'silent') silentUntil = now() + silenceMs
    return answer
  }

  function mayAskSystem(hostname: string): boolean {
    const since = absentSince.get(hostname) ?? now()
    absentSince.set(hostname, since)
    return now() - since >= patienceMs
  }

  return async (hostname) => {
    if (isLoopbackHost(hostname)) return loopbackAddresses
    const answer = await askOpen(hostname)
    const denied = answer.kind === 'absent' && !mayAskSystem(hostname)
    const settled = answer.kind === 'found' || denied ? answer : await system(hostname)
    if (settled.kind !== 'found') throw notFound(hostname)
    absentSince.delete(hostname)
    return settled.addresses
  }
}

const loopbackAddresses: readonly HostAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** The first answer that finds the name; else `absent` when any says so; else `silent`. */
async function firstTelling(answers: readonly Promise<NameAnswer>[]): Promise<NameAnswer> {
  const found = answers.map(async (pending) => {
    const answer = await pending
    if (answer.kind !== 'found') throw new Error(answer.kind)
    return answer
  })
  try {
    return await Promise.any(found)
  } catch {
    // Nobody found it, which is an answer of its own.
    const kinds = await Promise.all(answers)
    return { kind: kinds.some(({ kind }) => kind === 'absent') ? 'absent' : 'silent' }
  }
}

function notFound(hostname: string): Error {
  return Object.assign(new Error(`the name ${hostname} does not exist yet`), { code: 'ENOTFOUND' })
}

/** The resolver as `lookup` of a connection. An IP literal never comes here. */
export function lookupWith(resolveHost: ResolveHost): LookupFunction {
  return (hostname, options, callback) => {
    resolveHost(hostname).then(
      (found) => {
        const fitting = found.filter(({ family }) => !options.family || options.family === family)
        const first = fitting[0]
        if (!first) callback(notFound(hostname), '', 0)
        else if (options.all) callback(null, [...fitting])
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, '', 0),
    )
  }
}
