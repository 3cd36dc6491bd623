import type { GatewayFile, HttpServerConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import type { AdminDeps } from '../http/admin/guard.ts'
import { createAdminSessions } from '../http/admin/session.ts'
import type { Clock } from '../lib/clock.ts'
import { isLoopbackHost } from '../lib/hosts.ts'
import { ownValue } from '../lib/objects.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import type { Store } from '../store/store.ts'
import type { UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'
import { createUpstreamConnections } from '../tls/upstream/upstream-connections.ts'
import { followUpstreamTrust } from './follow-upstream-trust.ts'

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
