import { createHmac, randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { GatewayFile, ResolvedConfig } from './config/resolved-config.ts'
import { createAddressProof } from './gateway/address.ts'
import { createAuthorization } from './gateway/authorization.ts'
import { cautions, newTlsCautions, wantsTunnel } from './gateway/cautions.ts'
import { describeCertificate, trustFilesOf } from './gateway/describe-certificate.ts'
import { nameOfFile } from './gateway/name-of-file.ts'
import { openCertificate } from './gateway/open-certificate.ts'
import { describeOrigins, openListeners } from './gateway/open-listeners.ts'
import { openProcessLedger } from './gateway/open-process-ledger.ts'
import { openTraffic } from './gateway/open-traffic.ts'
import { prepareTunnels } from './gateway/open-tunnels.ts'
import { openUpstreamBundles } from './gateway/open-upstream-bundles.ts'
import { openUpstreams } from './gateway/open-upstreams.ts'
import { isToldAtStart, requireTunnel } from './gateway/require-tunnel.ts'
import { settingChanges } from './gateway/setting-changes.ts'
import { startWarnings } from './gateway/start-warnings.ts'
import { adminOrigin } from './gateway/upstream-trust.ts'
import { watchTls } from './gateway/watch-tls.ts'
import type { GatewayEvent, ReadyEvent } from './gateway-events.ts'
import { announceAdminAddress } from './http/admin/admin-address.ts'
import { createApp } from './http/app.ts'
import { type Clock, settlesWithin, systemClock, untilAborted } from './lib/clock.ts'
import type { Logger } from './lib/logger.ts'
import { readVersion } from './lib/version.ts'
import { exposureOf } from './origin/listener-origins.ts'
import { publicUrls } from './origin/public-urls.ts'
import { openSqliteStore } from './store/sqlite-store.ts'
import type { LocalCertificate } from './tls/local-certificate.ts'
import { watchBundleExpiry } from './tls/upstream/bundle-expiry.ts'
import type { Traffic } from './traffic/traffic.ts'
import { createProbeStreams } from './tunnels/probe-stream.ts'
import type { TunnelSupervisor } from './tunnels/supervisor.ts'

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

async function start(options: GatewayOptions, undo: AsyncDisposableStack): Promise<Gateway> {
  const { config, logger, clock = systemClock } = options
  const { signal = new AbortController().signal } = options
  const version = readVersion()
  const startedAt = performance.now()
  const forTunnels = wantsTunnel(config)
  let file: GatewayFile = config
  const traffic = openTraffic({ config, file: () => file })
  const onEvent = (event: GatewayEvent) => {
    traffic.note(event)
    options.onEvent(event)
  }

  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  undo.defer(() => store.close())
  const bundles = openUpstreamBundles({ config, store })
  undo.defer(watchBundleExpiry({ bundles, clock: systemClock, warn: onEvent }))
  const processes = await openProcessLedger(config.home, undo)
  let certificate: LocalCertificate | undefined
  const write = options.writeDebug ?? ((block) => logger.info(block))
  const handshakes = watchTls({ config, certificate: () => certificate, onEvent, write })
  undo.defer(() => handshakes.close())

  // The address is decided below; servers that ask for a login may do so before.
  let currentAddress = () => config.appUrl ?? `http://localhost:${config.listen.httpPort}`
  let isExposed = () => config.appUrl !== undefined || exposureOf(config.listen.host) !== 'loopback'
  onEvent({ event: 'progress', step: 'Starting servers' })
  const { trust, logins, hub } = await openUpstreams({
    config,
    file: () => file,
    store,
    bundles,
    processes,
    appUrl: () => currentAddress(),
    isExposed: () => isExposed(),
    tap: traffic.tap,
    clock,
    onEvent,
    logger,
    undo,
  })

  const withHttps = config.https && config.tunnel !== 'none'
  if (withHttps) onEvent({ event: 'progress', step: 'Preparing the certificate' })
  certificate = withHttps
    ? await openCertificate(config, { file: () => file, logger: logger.child('tls') })
    : undefined
  undo.defer(() => certificate?.close())

  signal.throwIfAborted()
  onEvent({ event: 'progress', step: 'Opening ports' })
  const listeners = await openListeners(config, {
    certificate,
    forTunnels,
    handshakes,
  })
  // Registered after the hub, so that it is undone before: no call arrives at a closed upstream.
  undo.defer(() => listeners.close())
  certificate?.onRenewed((next) => {
    for (const listener of listeners.all) listener.setCertificate(next)
  })
  const opened = { certificate, listeners: listeners.all, interfaces: networkInterfaces() }
  for (const warning of startWarnings(config, opened)) onEvent(warning)
  for (const warning of cautions(config, file)) onEvent(warning)

  const origins = describeOrigins(config, listeners.all, () => file)
  currentAddress = origins.appUrl
  isExposed = origins.isExposed
  const adminAddress = { origin: adminOrigin(origins, config.appUrl) }
  undo.defer(await announceAdminAddress(store, adminAddress))
  const secret = randomBytes(32)
  const prove = (challenge: string) => createHmac('sha256', secret).update(challenge).digest('hex')
  const streams = createProbeStreams(clock)
  const served = () => certificate?.current()
  const address = createAddressProof({ config, origins, prove, served, onEvent })
  undo.defer(() => address.close())
  let triedAll = false
  let supervisor: TunnelSupervisor | undefined
  const tunnelPolicy = () => {
    const status = supervisor?.status()
    return status?.state === 'up' ? status.policy : undefined
  }

  const authorization = await createAuthorization({
    config,
    file: () => file,
    view: (profile) => hub.endpoint(profile)?.profile.view(),
    seenView: (profile) => hub.endpoint(profile)?.profile.seenView(),
    store,
    origins,
    tunnel: () => supervisor?.status(),
    onEvent,
    logger: logger.child('oauth'),
  })
  const summaries = (origin: string) => hub.summaries(publicUrls(origin).mcp)
  const app = createApp({
    origins,
    logger: logger.child('http'),
    configFile: nameOfFile(config),
    version,
    authorization,
    admin: { ...trust.admin(origins), logins: logins.role, traffic },
    tunnelPolicy,
    probeStream: streams.serve,
    probeTicket: () => streams.issue().ticket,
    upstreamLogins: logins.role,
    endpoint: hub.endpoint,
    maxBodyBytes: () => file.limits.maxBodyBytes,
    summary: (profile, origin) => summaries(origin).find(({ name }) => name === profile),
    summaries,
    trustFiles: () => trustFilesOf(certificate),
    uptimeMs: () => performance.now() - startedAt,
    missing: () => [
      ...(triedAll ? [] : ['not every configured server was tried yet']),
      ...(address.proven ? [] : ['the address was not proven to lead here']),
    ],
    prove,
  })
  for (const listener of listeners.all) listener.serve(app)

  onEvent({ event: 'progress', step: 'Proving the address', detail: origins.appUrl() })
  await untilAborted(address.prove(), signal)

  let ready: ReadyEvent | undefined
  function usePublicUrl(publicUrl: string | undefined): void {
    const previousUrl = origins.appUrl()
    origins.setPublicOrigin(publicUrl)
    trust.follower.followExposure()
    const appUrl = origins.appUrl()
    // Before `ready` there is nobody to tell: it names the address itself.
    if (!ready || appUrl === previousUrl) return
    const { redirectUri } = publicUrls(appUrl)
    onEvent({ event: 'url-changed', previousUrl, appUrl, origins: origins.all(), redirectUri })
    void logins.redirectWarnings().then((warnings) => warnings.forEach(onEvent))
    void hub.refreshLogins()
  }
  if (listeners.tunnel) {
    const held: GatewayEvent[] = []
    supervisor = prepareTunnels({
      config,
      admit: trust.admitting(origins.admit),
      port: listeners.tunnel.port,
      reaper: processes,
      prove,
      streams,
      onPublicUrl: usePublicUrl,
      onEvent(event) {
        if (event.state === 'up') held.splice(0).forEach(onEvent)
        if (ready || isToldAtStart(config, event)) onEvent(event)
        else held.push(event)
      },
      clock,
      logger: logger.child('tunnel'),
    })
    const opened = supervisor
    undo.defer(() => opened.close())
    requireTunnel(config, await untilAborted(supervisor.start(), signal))
  }
  // Links that were made before the address was known lead through it from now on.
  await untilAborted(hub.refreshLogins(), signal)

  await certificate?.bundleWritten().catch(() => {
    // The certificate's own log says why; everything but the bundle works.
  })
  void hub.tried().then(() => {
    triedAll = true
  })
  const graceMs = Math.max(0, upstreamGraceMs - (performance.now() - startedAt))
  await untilAborted(settlesWithin(hub.tried(), graceMs), signal)

  // Whoever hears `ready` may kill us: the next start must then find our children on the list.
  await processes.settled()
  const startedInMs = Math.round(performance.now())
  const status = (): ReadyEvent => ({
    event: 'ready',
    version,
    startedInMs,
    appUrl: origins.appUrl(),
    origins: origins.all(),
    profiles: summaries(origins.appUrl()),
    redirectUri: publicUrls(origins.appUrl()).redirectUri,
    ...describeCertificate(certificate),
  })
  ready = status()
  onEvent(ready)

  let closing: Promise<void> | undefined
  return {
    status,
    traffic,
    async applyFile(next) {
      for (const warning of newTlsCautions(file, next)) onEvent(warning)
      const settings = settingChanges(file, next)
      file = next
      await trust.follower.check()
      const changes = [...(await hub.apply(next)), ...settings]
      await certificate?.check()
      onEvent({ event: 'config', state: 'applied', changes })
    },
    async reopen() {
      await certificate?.check()
      await hub.restartUpstreams()
      if (!supervisor) {
        await address.prove()
        return 'open'
      }
      const { state } = await supervisor.reopen()
      if (state === 'closed') return 'closed'
      return state === 'up' ? 'open' : 'waiting'
    },
    decideApproval: (id, allowed) =>
      allowed ? authorization.approvals.approve(id) : authorization.approvals.deny(id),
    clearApprovals: authorization.approvals.clear,
    close() {
      closing ??= undo.disposeAsync()
      return closing
    },
  }
}
