import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { ProcessLedger } from '../lib/process-ledger.ts'
import { readVersion } from '../lib/version.ts'
import { createMcpHub, type McpHub } from '../mcp/hub.ts'
import type { TrafficTap } from '../mcp/traffic-tap.ts'
import type { Store } from '../store/store.ts'
import type { UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'
import { openLoginLinks } from './login-links.ts'
import { nameOfFile } from './name-of-file.ts'
import { createUpstreamLogins, type UpstreamLogins } from './upstream-logins.ts'
import { createUpstreamTrust, type UpstreamTrust } from './upstream-trust.ts'

/** The servers behind the gateway: whom they are trusted by, who logs in to them, and the hub. */
export interface OpenUpstreams {
  readonly trust: UpstreamTrust
  readonly logins: UpstreamLogins
  readonly hub: McpHub
}

/**
 * Starts the servers; they connect in the background. What `undo` is given closes them.
 * @throws UserError STORE_UNUSABLE
 */
export async function openUpstreams(options: {
  config: ResolvedConfig
  file: () => GatewayFile
  store: Store
  bundles: UpstreamBundles
  processes: ProcessLedger
  /** The address of now, through which logins lead. */
  appUrl: () => string
  /** Whether anybody beyond this machine can reach the gateway. */
  isExposed: () => boolean
  tap: TrafficTap
  clock: Clock
  onEvent: (event: GatewayEvent) => void
  logger: Logger
  undo: AsyncDisposableStack
}): Promise<OpenUpstreams> {
  const { config, file, store, bundles, isExposed, onEvent, logger, undo } = options
  const trust = await createUpstreamTrust({
    bundles,
    configFile: nameOfFile(config),
    file,
    store,
    isExposed,
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
    appUrl: options.appUrl,
    connections,
    onLoginChanged: (server) => void hub.restartUpstream(server),
    logger: logger.child('oauth'),
  })
  const loginLinks = openLoginLinks(config.home)
  undo.defer(() => loginLinks.close())
  const hub = createMcpHub({
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
  return { trust, logins, hub }
}
