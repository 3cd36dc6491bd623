import { networkInterfaces } from 'node:os'
import { basename, isAbsolute, join, relative } from 'node:path'
import type { GatewayFile, ResolvedConfig } from './config/resolved-config.ts'
import { createAddressProof } from './gateway/address.ts'
import type { Authorization } from './gateway/authorization.ts'
import { createAuthorization } from './gateway/authorization.ts'
import { openCertificate, readyCertificate, trustFilesOf } from './gateway/open-certificate.ts'
import { describeOrigins, openListeners } from './gateway/open-listeners.ts'
import { openTraffic } from './gateway/open-traffic.ts'
import { prepareTunnels } from './gateway/open-tunnels.ts'
import { openUpstreams } from './gateway/open-upstreams.ts'
import { cautions, newTlsCautions, startWarnings } from './gateway/start-warnings.ts'
import type { UpstreamTrust } from './gateway/upstream-trust.ts'
import { adminOrigin } from './gateway/upstream-trust.ts'
import type { ServerWatching } from './gateway/watch-servers.ts'
import { watchTls } from './gateway/watch-tls.ts'
import type { GatewayEvent, ReadyEvent } from './gateway-events.ts'
import { announceAdminAddress } from './http/admin/admin-address.ts'
import { createApp } from './http/app.ts'
import type { Clock } from './lib/clock.ts'
import { settlesWithin, systemClock, untilAborted } from './lib/clock.ts'
import type { Logger } from './lib/logger.ts'
import type { ProcessLedger } from './lib/process-ledger.ts'
import { createProcessLedger, reapLeftovers } from './lib/process-ledger.ts'
import { createProcessReaper } from './lib/process-reaper.ts'
import { readVersion } from './lib/version.ts'
import type { McpHub } from './mcp/hub.ts'
import type { KnownOrigins } from './origin/known-origins.ts'
import { publicUrls } from './origin/public-urls.ts'
import { openSqliteStore } from './store/sqlite-store.ts'
import type { LocalCertificate } from './tls/local-certificate.ts'
import type { Traffic } from './traffic/traffic.ts'
import { createProbeStreams } from './tunnels/probe-stream.ts'

/** How long `ready` waits for upstreams that are slow to start; they go on in the background, ms. */
const upstreamGraceMs = 1_200

export interface GatewayOptions {
  readonly config: ResolvedConfig
  readonly logger: Logger
  /** Called for everything worth telling; `ready` comes exactly once per start. */
  readonly onEvent: (event: GatewayEvent) => void
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal
  /** By which tunnels and the bundles of upstreams are watched; the machine's unless given. */
  readonly clock?: Clock
  /** Takes the blocks of text that `debugSsl` asks for; the log does unless given. */
  readonly writeDebug?: (block: string) => void
}

export interface Gateway {
  /** What `ready` said, with the counts and states of now. */
  status(): ReadyEvent
  /** What passes, for whoever watches; nothing is kept while nobody does. */
  readonly traffic: Pick<Traffic, 'entries' | 'watch'>
  /** Applies an edited configuration file; unaffected upstreams and their clients notice nothing. */
  applyFile(next: GatewayFile): Promise<void>
  /**
   * Restarts the upstreams, and opens the tunnel again or proves the address. `waiting`: the tunnel
   * could not be opened and goes on being tried. `closed`: the gateway was, meanwhile.
   */
  reopen(): Promise<'open' | 'waiting' | 'closed'>
  /** The owner allows or refuses what an `approval` event announced; false when it is over, or only its
   * code allows it. */
  decideApproval(id: string, allowed: boolean): boolean
  /** Refuses every request for access that waits, and takes new ones at once. */
  clearApprovals(): void
  /** Stops listeners, then upstreams; every child is gone when it resolves. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Builds and starts everything. A failed start closes what it had opened before it rejects.
 * @throws UserError when a port, certificate, store or address cannot be used, or the signal's reason
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const undo = new AsyncDisposableStack()
  try {
    return await start(options, undo)
  } catch (error) {
    await undo.disposeAsync()
    throw error
  }
}

/** In this order, so that whatever is built finds what it reads: nothing but the file changes later. */
async function start(options: GatewayOptions, undo: AsyncDisposableStack): Promise<Gateway> {
  const { config, logger, clock = systemClock, signal = new AbortController().signal } = options
  const startedAt = performance.now()
  let current: GatewayFile = config
  const file = () => current
  const traffic = openTraffic({ config, file })
  const onEvent = (event: GatewayEvent) => {
    traffic.note(event)
    options.onEvent(event)
  }

  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  undo.defer(() => store.close())
  const { certificate, listeners } = await openSockets({ ...options, signal, file, onEvent }, undo)
  const origins = describeOrigins(config, listeners.all, file)
  const adminAddress = { origin: adminOrigin(origins, config.appUrl) }
  undo.defer(await announceAdminAddress(store, adminAddress))
  const served = () => certificate?.current()
  const address = createAddressProof({ config, origins, served, onEvent })
  undo.defer(() => address.close())

  onEvent({ event: 'progress', step: 'Starting servers' })
  const configFile = nameOfFile(config)
  const processes = await openProcessLedger(config.home, undo)
  const { trust, logins, hub, watching, triedAll } = await openUpstreams({
    ...{ config, configFile, file, store, processes, origins, clock, onEvent, logger, undo },
    tap: traffic.tap,
  })
  // A second time, so that it is undone before the hub: no call arrives at a closed upstream.
  undo.defer(() => listeners.close())

  const streams = createProbeStreams(clock)
  const tunnels = prepareTunnels({
    ...{ config, origins, streams, clock, onEvent },
    admit: trust.admit,
    port: listeners.tunnel?.port,
    reaper: processes,
    prove: address.answer,
    onExposure: trust.follower.followExposure,
    onMoved(previousUrl) {
      const appUrl = origins.appUrl()
      const { redirectUri } = publicUrls(appUrl)
      onEvent({ event: 'url-changed', previousUrl, appUrl, origins: origins.all(), redirectUri })
      void logins.redirectWarnings().then((warnings) => warnings.forEach(onEvent))
      void hub.refreshLogins()
    },
    logger: logger.child('tunnel'),
  })
  undo.defer(() => tunnels?.close())

  const authorization = await createAuthorization({
    ...{ config, file, store, origins, onEvent },
    view: (profile) => hub.endpoint(profile)?.profile.view(),
    seenView: (profile) => hub.endpoint(profile)?.profile.seenView(),
    forwardedForm: () => tunnels?.up()?.traits.clientAddress,
    onRefused: traffic.noteRefusal,
    logger: logger.child('oauth'),
  })
  const version = readVersion()
  const summaries = (origin: string) => hub.summaries(publicUrls(origin).mcp)
  const app = createApp({
    ...{ origins, configFile, version, authorization, summaries },
    logger: logger.child('http'),
    admin: { ...trust.admin, logins: logins.role, traffic },
    tunnelPolicy: () => tunnels?.up()?.policy,
    probeStream: streams.serve,
    probeTicket: () => streams.issue().ticket,
    upstreamLogins: logins.role,
    endpoint: hub.endpoint,
    maxBodyBytes: () => current.limits.maxBodyBytes,
    summary: (profile, origin) => summaries(origin).find(({ name }) => name === profile),
    trustFiles: () => trustFilesOf(certificate),
    uptimeMs: () => performance.now() - startedAt,
    missing: () => [
      ...(triedAll() ? [] : ['not every configured server was tried yet']),
      ...(address.isProven() ? [] : ['the address was not proven to lead here']),
    ],
    prove: address.answer,
  })
  for (const listener of listeners.all) listener.serve(app)
  onEvent({ event: 'progress', step: 'Proving the address', detail: origins.appUrl() })
  await untilAborted(address.prove(), signal)
  if (tunnels) await untilAborted(tunnels.start(), signal)
  // Links that were made before the address was known lead through it from now on.
  await untilAborted(hub.refreshLogins(), signal)
  await certificate?.bundleWritten().catch(() => {
    // The certificate's own log says why; everything but the bundle works.
  })
  const graceMs = Math.max(0, upstreamGraceMs - (performance.now() - startedAt))
  await untilAborted(settlesWithin(hub.tried(), graceMs), signal)
  // Whoever hears `ready` may kill us: the next start must then find our children on the list.
  await processes.settled()

  const gateway = createGateway({
    ...{
      version,
      traffic,
      certificate,
      address,
      trust,
      hub,
      watching,
      tunnels,
      authorization,
      undo,
      onEvent,
    },
    origins,
    file,
    replaceFile(next) {
      current = next
    },
  })
  tunnels?.started()
  onEvent(gateway.status())
  return gateway
}

/**
 * Opens the local certificate and the ports.
 * @throws UserError as `openCertificate` and `openListeners` do, or the signal's reason
 */
async function openSockets(
  options: GatewayOptions & { readonly file: () => GatewayFile; readonly signal: AbortSignal },
  undo: AsyncDisposableStack,
) {
  const { config, file, logger, onEvent, signal } = options
  const withHttps = config.https && config.tunnel !== 'none'
  if (withHttps) onEvent({ event: 'progress', step: 'Preparing the certificate' })
  const certificate = withHttps
    ? await openCertificate(config, { file, logger: logger.child('tls') })
    : undefined
  undo.defer(() => certificate?.close())
  const write = options.writeDebug ?? ((block) => logger.info(block))
  const handshakes = watchTls({ config, certificate, onEvent, write })
  undo.defer(() => handshakes.close())
  signal.throwIfAborted()
  onEvent({ event: 'progress', step: 'Opening ports' })
  const listeners = await openListeners(config, { certificate, handshakes })
  undo.defer(() => listeners.close())
  certificate?.onRenewed((next) => {
    for (const listener of listeners.all) listener.setCertificate(next)
  })
  const opened = { certificate, listeners: listeners.all, interfaces: networkInterfaces() }
  for (const warning of startWarnings(config, opened)) onEvent(warning)
  for (const warning of cautions(config, file())) onEvent(warning)
  return { certificate, listeners }
}

/** Ends what a run that was killed left behind, and watches over the children of this one. */
async function openProcessLedger(home: string, undo: AsyncDisposableStack): Promise<ProcessLedger> {
  const path = join(home, 'processes.json')
  await reapLeftovers(path)
  const ledger = createProcessLedger({ reaper: createProcessReaper(), path })
  undo.defer(async () => {
    await ledger.settled()
    ledger.close()
  })
  return ledger
}

/** What can be done with a gateway that runs. */
function createGateway(parts: {
  version: string
  traffic: Gateway['traffic']
  certificate: LocalCertificate | undefined
  origins: KnownOrigins
  address: ReturnType<typeof createAddressProof>
  trust: UpstreamTrust
  hub: McpHub
  watching: Pick<ServerWatching, 'follow'>
  tunnels: ReturnType<typeof prepareTunnels>
  authorization: Authorization
  file: () => GatewayFile
  replaceFile: (next: GatewayFile) => void
  onEvent: (event: GatewayEvent) => void
  undo: AsyncDisposableStack
}): Gateway {
  const { version, certificate, origins, address, hub, tunnels, file, onEvent } = parts
  const { approvals } = parts.authorization
  const startedInMs = Math.round(performance.now())
  let closing: Promise<void> | undefined
  return {
    traffic: parts.traffic,
    status() {
      const appUrl = origins.appUrl()
      const { redirectUri, mcp } = publicUrls(appUrl)
      return {
        ...{ event: 'ready', version, startedInMs, appUrl, origins: origins.all(), redirectUri },
        profiles: hub.summaries(mcp),
        ...readyCertificate(certificate),
      }
    },
    async applyFile(next) {
      for (const warning of newTlsCautions(file(), next)) onEvent(warning)
      const settings = settingChanges(file(), next)
      parts.replaceFile(next)
      await parts.trust.follower.check()
      const changes = [...(await hub.apply(next)), ...settings]
      parts.watching.follow(next)
      await certificate?.check()
      onEvent({ event: 'config', state: 'applied', changes })
    },
    async reopen() {
      await certificate?.check()
      await hub.restartUpstreams()
      if (!tunnels) {
        await address.prove()
        return 'open'
      }
      const { state } = await tunnels.reopen()
      if (state === 'closed') return 'closed'
      return state === 'up' ? 'open' : 'waiting'
    },
    decideApproval: (id, allowed) => (allowed ? approvals.approve(id) : approvals.deny(id)),
    clearApprovals: approvals.clear,
    close() {
      closing ??= parts.undo.disposeAsync()
      return closing
    },
  }
}

/** The configuration file in use, named so that strangers learn no folder of this machine. */
function nameOfFile({ configFile, projectDir }: ResolvedConfig): string {
  const name = relative(projectDir, configFile)
  return name === '' || name.startsWith('..') || isAbsolute(name) ? basename(configFile) : name
}

/** What an edit of the configuration file changed beside servers and profiles, in words. */
function settingChanges(before: GatewayFile, after: GatewayFile): string[] {
  const { servers: _servers, profiles: _profiles, ...settings } = after
  const old: Readonly<Record<string, unknown>> = { ...before }
  return Object.entries(settings).flatMap(([name, value]) => {
    const place = name === 'processes' ? 'dev.processes' : name
    return JSON.stringify(old[name]) === JSON.stringify(value) ? [] : [`"${place}" was changed`]
  })
}
