import type { ServerConfig } from '../config/resolved-config.ts'
import type { GatewayEvent, TrustEvent } from '../gateway-events.ts'
import type { Clock } from '../lib/clock.ts'
import type { BundleState } from '../tls/upstream/upstream-bundles.ts'

/** How often bundles are looked at, ms: another process may change them. */
const lookEveryMs = 2_000

export interface TrustFollowerOptions {
  readonly servers: () => readonly ServerConfig[]
  readonly trustOf: (server: string) => Promise<BundleState | undefined>
  readonly isExposed: () => boolean
  /** Drops the connections of a server and opens new ones. */
  readonly reconnect: (server: string) => Promise<void>
  readonly onEvent: (event: GatewayEvent) => void
  readonly clock: Clock
}

/** Lets no connection outlive what it was opened under: the bundle, and the exposure of the gateway. */
export interface TrustFollower {
  /** Looks at the bundles now. What is seen for the first time changes nothing. */
  check(): Promise<void>
  /** To be called whenever the gateway may have become reachable, or out of reach, from elsewhere. */
  followExposure(): void
  close(): void
}

export function followUpstreamTrust(options: TrustFollowerOptions): TrustFollower {
  const { trustOf, isExposed, reconnect, onEvent } = options
  const seen = new Map<string, string>()
  let wasExposed = isExposed()
  let checking = Promise.resolve()
  let closed = false

  function overHttp() {
    return options.servers().flatMap((server) => (server.type === 'stdio' ? [] : [server]))
  }

  function apply(server: string, change: TrustChange): void {
    onEvent({ event: 'trust', server, change, message: sentences[change](JSON.stringify(server)) })
    void reconnect(server)
  }

  async function look(): Promise<void> {
    for (const { name } of overHttp()) {
      const trust = await trustOf(name)
      if (closed) return
      const before = seen.get(name)
      const now = trust ? `${trust.state} ${trust.fingerprint ?? ''}` : ''
      seen.set(name, now)
      if (before !== undefined && before !== now) apply(name, changeOf(before, trust))
    }
  }

  function followExposure(): void {
    const exposed = isExposed()
    if (closed || exposed === wasExposed) return
    wasExposed = exposed
    for (const { name, url, tls } of overHttp()) {
      const isConcerned = tls.insecureSkipVerify && url.startsWith('https:')
      if (isConcerned) apply(name, exposed ? 'blocked' : 'unblocked')
    }
  }

  function check(): Promise<void> {
    followExposure()
    checking = checking.then(look, look)
    return checking
  }

  const stop = options.clock.every(lookEveryMs, () => {
    check().catch(() => {
      // The store cannot be read just now; new connections say so themselves.
    })
  })
  return {
    check,
    followExposure,
    close() {
      closed = true
      stop()
    },
  }
}

type TrustChange = TrustEvent['change']

function changeOf(before: string, now: BundleState | undefined): TrustChange {
  if (!now) return 'removed'
  if (now.state === 'refused') return 'refused'
  return before === '' ? 'added' : 'replaced'
}

const sentences: Readonly<Record<TrustChange, (server: string) => string>> = {
  added: (server) => `Server ${server} has a CA bundle now; it is connected to anew.`,
  replaced: (server) => `The CA bundle of server ${server} was changed; it is connected to anew.`,
  removed: (server) => `The CA bundle of server ${server} was removed; it is connected to anew.`,
  refused: (server) =>
    `The CA bundle of server ${server} does not carry a good signature any more, so its connections were dropped.`,
  blocked: (server) =>
    `The gateway can now be reached from beyond this machine, so the connections of server ${server}, whose certificate is not checked, were dropped.`,
  unblocked: (server) =>
    `Nobody beyond this machine reaches the gateway any more, so server ${server}, whose certificate is not checked, is connected to again.`,
}
