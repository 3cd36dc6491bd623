import { ADDRCONFIG } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { isLoopbackHost } from '../lib/hosts.ts'
import { type HttpSender, readText } from '../lib/http-sender.ts'

interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Finds the addresses of a host. @throws Error with `code` ENOTFOUND when it has none now */
export type ResolveHost = (hostname: string) => Promise<readonly HostAddress[]>

/**
 * What a source of names says. `silent`: it cannot be reached, or cannot tell.
 * @internal
 */
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

/** How long a source may think, ms. */
const askMs = 1_500
/** Asked side by side, because each keeps an NXDOMAIN that it was asked for too early. */
const publicServers = ['1.1.1.1', '8.8.8.8']
/** By address, so that finding it needs no resolver; the certificate names the address too. */
const dohEndpoint = 'https://1.1.1.1/dns-query'
const recordTypes = { A: 1, AAAA: 28 } as const
/** RFC 1035 4.1.1: the response code for a name that does not exist. */
const nameError = 3

/** What a resolver asks: public name servers, DNS over HTTPS by the sender, and the system. */
export function standardSources(
  sender: HttpSender,
  servers: readonly string[] = publicServers,
): { open: NameSource[]; system: NameSource } {
  return { open: [...servers.map(publicResolver), dnsOverHttps(sender)], system: systemResolver }
}

/** Asks a public name server directly. */
function publicResolver(server: string): NameSource {
  return async (hostname) => {
    const resolver = new Resolver({ timeout: askMs, tries: 1 })
    resolver.setServers([server])
    return both(
      async () => addresses(await resolver.resolve4(hostname), 4),
      async () => addresses(await resolver.resolve6(hostname), 6),
    )
  }
}

/** Asks over HTTPS (RFC 8484 servers' JSON form), where port 53 is blocked or rewritten. */
function dnsOverHttps(sender: HttpSender): NameSource {
  const ask = async (hostname: string, type: keyof typeof recordTypes) => {
    const answer = await sender.send(
      `${dohEndpoint}?name=${encodeURIComponent(hostname)}&type=${type}`,
      {
        headers: { accept: 'application/dns-json' },
        signal: AbortSignal.timeout(askMs),
      },
    )
    if (answer.status !== 200) throw new Error(`it answered HTTP ${answer.status}`)
    return readDnsJson(await readText(answer), type)
  }
  return (hostname) =>
    both(
      () => ask(hostname, 'A'),
      () => ask(hostname, 'AAAA'),
    )
}

/** Asks the system, with its hosts file, its caches and its search domains. */
async function systemResolver(hostname: string): Promise<NameAnswer> {
  try {
    const found = await lookup(hostname, { all: true, hints: ADDRCONFIG })
    return {
      kind: 'found',
      addresses: found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 })),
    }
  } catch (error) {
    return absentOrSilent(error)
  }
}

/** Reads a DNS answer in JSON. @throws an error with `code` ENOTFOUND for NXDOMAIN */
function readDnsJson(text: string, type: keyof typeof recordTypes): HostAddress[] {
  const { Status, Answer = [] } = JSON.parse(text) as {
    Status: number
    Answer?: { type: number; data: string }[]
  }
  if (Status === nameError) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  if (Status !== 0) throw new Error(`response code ${Status}`)
  const found = Answer.filter((record) => record.type === recordTypes[type])
  return addresses(
    found.map(({ data }) => data),
    type === 'A' ? 4 : 6,
  )
}

function addresses(found: readonly string[], family: 4 | 6): HostAddress[] {
  return found.map((address) => ({ address, family }))
}

/** Both families in one answer, IPv4 first; one that fails counts as empty when the other has some. */
async function both(...asks: (() => Promise<HostAddress[]>)[]): Promise<NameAnswer> {
  const settled = await Promise.allSettled(asks.map((ask) => ask()))
  const found = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  if (found.length > 0) return { kind: 'found', addresses: found }
  const answers = settled.map((one) =>
    one.status === 'rejected' ? absentOrSilent(one.reason) : ({ kind: 'absent' } as const),
  )
  return { kind: answers.every(({ kind }) => kind === 'silent') ? 'silent' : 'absent' }
}

function absentOrSilent(error: unknown): { kind: 'absent' | 'silent' } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // ENODATA: the name exists and has no address of that family.
  return { kind: code === 'ENOTFOUND' || code === 'ENODATA' ? 'absent' : 'silent' }
}
