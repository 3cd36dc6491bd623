import { ADDRCONFIG } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import { type HttpSender, readText } from '../lib/http-sender.ts'
import type { HostAddress, NameAnswer, NameSource } from './resolve-host.ts'

/** How long a source may think, ms. */
const askMs = 1_500
/** Asked side by side, because each keeps an NXDOMAIN that it was asked for too early. */
const publicServers = ['1.1.1.1', '8.8.8.8']
/** By address, so that finding it needs no resolver; the certificate names the address too. */
const dohEndpoint = 'https://1.1.1.1/dns-query'
const recordTypes = { A: 1, AAAA: 28 } as const
/** RFC 1035 4.1.1: the response code for a name that does not exist. */
const nameError = 3

/** What a resolver asks outside of tests; the sender is for DNS over HTTPS. */
export function standardSources(sender: HttpSender): { open: NameSource[]; system: NameSource } {
  return {
    open: [...publicServers.map(publicResolver), dnsOverHttps(sender)],
    system: systemResolver(),
  }
}

/** Asks a public name server directly. */
export function publicResolver(server: string): NameSource {
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
export function dnsOverHttps(sender: HttpSender, endpoint: string = dohEndpoint): NameSource {
  const ask = async (hostname: string, type: keyof typeof recordTypes) => {
    const answer = await sender.send(
      `${endpoint}?name=${encodeURIComponent(hostname)}&type=${type}`,
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
export function systemResolver(): NameSource {
  return async (hostname) => {
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
