import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { ProcessLedger } from '../lib/process-ledger.ts'
import { readVersion } from '../lib/version.ts'
import { createMcpHub, type McpHub } from '../mcp/hub.ts'
import type { TrafficTap } from '../mcp/traffic-tap.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import type { Store } from '../store/store.ts'
import { watchBundleExpiry } from '../tls/upstream/bundle-expiry.ts'
import { openUpstreamBundles } from '../tls/upstream/open-upstream-bundles.ts'
import { openLoginLinks } from './login-links.ts'
import { createUpstreamLogins } from './upstream-logins.ts'
import { createUpstreamTrust } from './upstream-trust.ts'
import { watchServers } from './watch-servers.ts'

/**
 * Starts the servers behind the gateway, with whom they are trusted by and who logs in to them; they
 * connect in the background. What `undo` is given closes them.
 * @throws UserError STORE_UNUSABLE
 */
export async function openUpstreams(options: {
  config: ResolvedConfig
  /** The configuration file as it is named in sentences. */
  configFile: string
  file: () => GatewayFile
  store: Store
  processes: ProcessLedger
  origins: KnownOrigins
  tap: TrafficTap
  clock: Clock
  onEvent: (event: GatewayEvent) => void
  logger: Logger
  undo: AsyncDisposableStack
}) {
  const { config, file, store, origins, onEvent, logger, undo } = options
  const bundles = openUpstreamBundles({ config, store })
  undo.defer(watchBundleExpiry({ bundles, clock: systemClock, warn: onEvent }))
  const trust = await createUpstreamTrust({
    bundles,
    configFile: options.configFile,
    file,
    store,
    origins,
    reconnect: (server) => hub.restartUpstream(server),
    clock: options.clock,
    onEvent,
  })
  undo.defer(() => trust.follower.close())
  const { connections } = trust
  const logins = await createUpstreamLogins({
    config,
    file,
    store,
    appUrl: origins.appUrl,
    connections,
    onLoginChanged: (server) => void hub.restartUpstream(server),
    logger: logger.child('oauth'),
  })
  const loginLinks = openLoginLinks(config.home)
  undo.defer(() => loginLinks.close())
  const hub: McpHub = createMcpHub({
    file: file(),
    version: readVersion(),
    store,
    environment: config.environment,
    reaper: options.processes,
    auth: logins.auth,
    connections,
    sealer: logins.sealer,
    logger: logger.child('mcp'),
    tap: options.tap,
    now: Date.now,
    random: Math.random,
    onUpstream(event) {
      loginLinks.note(event)
      onEvent(event)
    },
    warn: (finding) => onEvent({ event: 'warning', ...finding }),
  })
  undo.defer(() => hub.close())
  const watching = watchServers({ hub, onEvent })
  undo.defer(watching.close)
  watching.follow(file())
  let triedAll = false
  void hub.tried().then(() => {
    triedAll = true
  })
  return { trust, logins, hub, watching, triedAll: () => triedAll }
}
