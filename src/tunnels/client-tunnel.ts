import { messageOf, UserError } from '../errors.ts'
import { isPlainHost } from '../lib/hosts.ts'
import type { ClientExit, ClientProcess } from './client-process.ts'
import type { Tunnel, TunnelEnd } from './tunnel-provider.ts'

/** What a provider tells about the client it runs. Everything but the first end is ignored. */
export interface ClientReport {
  /** The client has its public address. */
  url(publicUrl: URL): void
  /** Opening failed; or, once open, opening again would fail too. */
  failed(failure: UserError): void
  /** The tunnel no longer works, though the client may think otherwise. */
  lost(detail: string): void
}

export interface ClientPlan {
  /** The client's name in sentences. */
  readonly client: string
  /** Longest time until the address is known, ms. */
  readonly timeoutMs: number
  /**
   * Starts the client. `life` ends with the tunnel: what the provider watches must end with it.
   */
  start(report: ClientReport, life: AbortSignal): ClientProcess
  /** Why the client left before its address was known. */
  explainExit(exit: ClientExit): UserError
  /** Why its address did not come in time. */
  explainTimeout(): UserError
}

/** Runs a client as a tunnel: the whole life of one, from start to the last process. */
export async function openClientTunnel(
  plan: ClientPlan,
  { signal }: { signal: AbortSignal },
): Promise<Tunnel> {
  signal.throwIfAborted()
  const opened = Promise.withResolvers<URL>()
  const over = Promise.withResolvers<TunnelEnd>()
  const life = new AbortController()
  const client = plan.start(
    {
      url: opened.resolve,
      failed(failure) {
        opened.reject(failure)
        over.resolve({ reason: 'failed', detail: failure.message })
      },
      lost(detail) {
        opened.reject(plan.explainExit({ how: detail, startError: undefined, lastWords: detail }))
        over.resolve({ reason: 'lost', detail })
      },
    },
    life.signal,
  )
  void client.exited.then((exit) => {
    opened.reject(plan.explainExit(exit))
    over.resolve({ reason: 'lost', detail: `The ${plan.client} client ${exit.how}.` })
  })
  const ended = over.promise.then(async (end) => {
    life.abort()
    await client.stop()
    return end
  })
  const close = async (detail: string) => {
    over.resolve({ reason: 'closed', detail })
    await ended
  }

  const timer = setTimeout(() => opened.reject(plan.explainTimeout()), plan.timeoutMs)
  const onAbort = () => opened.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const publicUrl = await opened.promise
    return { publicUrl, ended, close: () => close('The tunnel was closed.') }
  } catch (error) {
    await close(messageOf(error))
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** The origin of an address that a service or a program gave out; undefined when it is none we take. */
export function parsePublicAddress(text: string): URL | undefined {
  const url = URL.parse(text)
  const isTaken = url && /^https?:$/.test(url.protocol) && isPlainHost(url.hostname)
  return isTaken ? new URL(url.origin) : undefined
}

/** Says that what a service or a program gave out is no address we take. */
export function addressRefused(giver: string, text: string): UserError {
  return new UserError(
    'TUNNEL_ADDRESS_REFUSED',
    `${giver} gave out ${JSON.stringify(text.slice(0, 200))}, which is no address that is taken: its host must be a name of letters, digits and hyphens, or an IP address.`,
    { hint: 'Choose another provider with TUNNEL, and ask whoever runs this one.' },
  )
}

/** Host and port of a tunnel's target, an `http:` URL of this machine. */
export function addressOf(target: URL): { host: string; port: number } {
  if (target.protocol !== 'http:') throw new TypeError(`a tunnel leads to http:, not ${target}`)
  return { host: target.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(target.port || 80) }
}
