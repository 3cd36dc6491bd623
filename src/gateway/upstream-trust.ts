import type { GatewayFile, HttpServerConfig, ServerConfig } from '../config/resolved-config.ts'
import type { GatewayEvent, TrustEvent } from '../gateway-events.ts'
import type { AdminDeps } from '../http/admin/guard.ts'
import { createAdminSessions } from '../http/admin/session.ts'
import type { Clock } from '../lib/clock.ts'
import { isLoopbackHost } from '../lib/hosts.ts'
import { ownValue } from '../lib/objects.ts'
import { createSerial } from '../lib/serial.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import type { Store } from '../store/store.ts'
import type { BundleState, UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'
import { createUpstreamConnections } from '../tls/upstream/upstream-connections.ts'

/** Whom upstreams are trusted by: how connections use it, how the gateway follows it, who changes it. */
export async function createUpstreamTrust(options: {
  bundles: UpstreamBundles
  configFile: string
  file: () => GatewayFile
  store: Store
  origins: KnownOrigins
  reconnect: (server: string) => Promise<void>
  clock: Clock
  onEvent: (event: GatewayEvent) => void
}) {
  const { bundles, file, store, origins } = options
  const { isExposed, exposureOf } = origins
  const servers = () => Object.values(file().servers)
  const follower = followUpstreamTrust({
    servers,
    trustOf: bundles.state,
    isExposed,
    reconnect: options.reconnect,
    onEvent: options.onEvent,
    clock: options.clock,
  })
  // Before the first connection, so that no change after it goes unseen.
  await follower.check()
  return {
    follower,
    connections: createUpstreamConnections({
      read: bundles.read,
      server: (name) => overHttp(file(), name),
      isExposed,
    }),
    /** Lets a tunnel's origin in, and drops at that moment what nobody beyond this machine may use. */
    admit(origin: string): () => void {
      const shutOut = origins.admit(origin)
      follower.followExposure()
      return () => {
        shutOut()
        follower.followExposure()
      }
    },
    /** The admin page over the same bundles. */
    admin: {
      configFile: options.configFile,
      sessions: createAdminSessions({ store, now: Date.now }),
      bundles,
      servers: () =>
        servers().map((server) => ({
          name: server.name,
          url: server.type === 'stdio' ? undefined : server.url,
          insecureSkipVerify: server.type !== 'stdio' && server.tls.insecureSkipVerify,
        })),
      exposureOf,
      onBundleChanged: () => void follower.check(),
    } satisfies Omit<AdminDeps, 'logins' | 'traffic'>,
  }
}

export type UpstreamTrust = Awaited<ReturnType<typeof createUpstreamTrust>>

/** Where the admin page is: at a listener that only this machine reaches, plain HTTP first. */
export function adminOrigin(origins: KnownOrigins, external: string | undefined) {
  return (['http', 'https'] as const)
    .filter((name) => origins.exposureOf(name) === 'loopback')
    .flatMap((scheme) => origins.all().filter((origin) => origin.startsWith(`${scheme}://`)))
    .find((origin) => origin !== external && isLoopbackHost(new URL(origin).hostname))
}

function overHttp({ servers }: GatewayFile, name: string): HttpServerConfig | undefined {
  const server = ownValue(servers, name)
  return server && server.type !== 'stdio' ? server : undefined
}

/** How often bundles are looked at, ms: another process may change them. */
const lookEveryMs = 2_000

/**
 * Lets no connection outlive what it was opened under: the bundle, and the exposure of the gateway.
 * @internal
 */
export function followUpstreamTrust(options: {
  servers: () => readonly ServerConfig[]
  trustOf: (server: string) => Promise<BundleState | undefined>
  isExposed: () => boolean
  /** Drops the connections of a server and opens new ones. */
  reconnect: (server: string) => Promise<void>
  onEvent: (event: GatewayEvent) => void
  clock: Clock
}) {
  const { trustOf, isExposed, reconnect, onEvent } = options
  const serial = createSerial()
  const seen = new Map<string, string>()
  let wasExposed = isExposed()
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

  /** To be called whenever the gateway may have become reachable, or out of reach, from elsewhere. */
  function followExposure(): void {
    const exposed = isExposed()
    if (closed || exposed === wasExposed) return
    wasExposed = exposed
    for (const { name, url, tls } of overHttp()) {
      const isConcerned = tls.insecureSkipVerify && url.startsWith('https:')
      if (isConcerned) apply(name, exposed ? 'blocked' : 'unblocked')
    }
  }

  /** Looks at the bundles now. What is seen for the first time changes nothing. */
  function check(): Promise<void> {
    followExposure()
    return serial(look)
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
