import { createHmac, randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import type { GatewayFile, ResolvedConfig } from './config/resolved-config.ts'
import { UserError } from './errors.ts'
import type { GatewayEvent, ReadyEvent } from './gateway-events.ts'
import { createApp } from './http/app.ts'
import type { HttpEnv } from './http/http-env.ts'
import { type Listener, openListener } from './http/listener.ts'
import { systemClock } from './lib/clock.ts'
import type { Logger } from './lib/logger.ts'
import { createProcessReaper } from './lib/process-reaper.ts'
import { readVersion } from './lib/version.ts'
import { settlesWithin } from './lib/wait.ts'
import { createMcpHub } from './mcp/hub.ts'
import { localNames, openCertificate } from './open-certificate.ts'
import { createKnownOrigins, type KnownOrigins } from './origin/known-origins.ts'
import { exposureOf, listenerOrigins } from './origin/listener-origins.ts'
import { proveOrigin } from './origin/prove-origin.ts'
import { publicUrls } from './origin/public-urls.ts'
import { openSqliteStore } from './store/sqlite-store.ts'
import type { LocalCertificate } from './tls/local-certificate.ts'
import { lanAddresses } from './tls/local-names.ts'

/** How long `ready` waits for upstreams that are slow to start; they go on in the background, ms. */
const upstreamGraceMs = 1_200
const proofTimeoutMs = 5_000
/** How often an external address that did not lead here is tried again, ms. */
const proofRetryMs = 15_000

export interface GatewayOptions {
  readonly config: ResolvedConfig
  readonly logger: Logger
  /** Called for everything worth telling; `ready` comes exactly once per start. */
  readonly onEvent: (event: GatewayEvent) => void
}

export interface Gateway {
  /** What `ready` said, with the counts and states of now. */
  status(): ReadyEvent
  /** Applies an edited configuration file; unaffected upstreams and their clients notice nothing. */
  applyFile(next: GatewayFile): Promise<void>
  /** Restarts the upstreams and proves the address again. */
  reopen(): Promise<void>
  /** Stops listeners, then upstreams; every child is gone when it resolves. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Builds and starts everything. A failed start closes what it had opened before it rejects.
 * @throws UserError when a port, certificate, store or address cannot be used
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
  const { config, logger, onEvent } = options
  const version = readVersion()
  const startedAt = performance.now()
  let file: GatewayFile = config

  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  undo.defer(() => store.close())
  const reaper = createProcessReaper()
  undo.defer(() => reaper.close())

  onEvent({ event: 'progress', step: 'Starting servers' })
  const hub = createMcpHub({
    file,
    version,
    store,
    reaper,
    logger: logger.child('mcp'),
    now: Date.now,
    random: Math.random,
    onUpstream: onEvent,
  })
  undo.defer(() => hub.close())

  const withHttps = config.https && config.tunnel !== 'none'
  if (withHttps) onEvent({ event: 'progress', step: 'Preparing the certificate' })
  const certificate = withHttps
    ? await openCertificate(config, { file: () => file, logger: logger.child('tls') })
    : undefined
  if (certificate) undo.defer(() => certificate.close())
  for (const { code, message, hint } of certificate?.current().warnings ?? []) {
    onEvent({ event: 'warning', code, message, ...(hint !== undefined && { hint }) })
  }

  onEvent({ event: 'progress', step: 'Opening ports' })
  const listeners = await openListeners(config, certificate)
  // Registered after the hub, so that it is undone before: no call arrives at a closed upstream.
  undo.defer(async () => {
    await Promise.all(listeners.map((listener) => listener.close()))
  })
  for (const { port, movedFrom } of listeners) {
    if (movedFrom === undefined) continue
    onEvent({
      event: 'warning',
      code: 'PORT_IN_USE',
      message: `Port ${movedFrom} is taken, so ${port} is used.`,
      hint: 'With --strict-port a taken port is an error instead.',
    })
  }
  certificate?.onRenewed((next) => {
    for (const listener of listeners) listener.setCertificate(next)
  })

  const origins = describeOrigins(config, listeners, () => file)
  const secret = randomBytes(32)
  const prove = (challenge: string) => createHmac('sha256', secret).update(challenge).digest('hex')
  const address = { proven: false }
  let triedAll = false
  const summaries = (origin: string) => hub.summaries(publicUrls(origin).mcp)
  const app: Hono<HttpEnv> = createApp({
    origins,
    logger: logger.child('http'),
    version,
    endpoint: hub.endpoint,
    summary: (profile, origin) => summaries(origin).find(({ name }) => name === profile),
    summaries,
    uptimeMs: () => performance.now() - startedAt,
    missing: () => [
      ...(triedAll ? [] : ['not every configured server was tried yet']),
      ...(address.proven ? [] : [`${origins.appUrl} was not proven to lead here`]),
    ],
    prove,
  })
  for (const listener of listeners) listener.serve(app)

  async function proveAddress(): Promise<void> {
    const ca = certificate?.current().caCertPem
    const proof = await proveOrigin(origins.appUrl, {
      prove,
      timeoutMs: proofTimeoutMs,
      ...(ca !== undefined && { ca: [ca] }),
    })
    address.proven = proof.ok
    if (proof.ok) return
    if (config.appUrl === undefined) throw unproven(origins.appUrl, proof.reason)
    onEvent({ event: 'warning', ...describeUnreachable(config, origins.appUrl, proof.reason) })
  }
  onEvent({ event: 'progress', step: 'Proving the address', detail: origins.appUrl })
  await proveAddress()
  if (config.appUrl !== undefined) {
    undo.defer(
      systemClock.every(proofRetryMs, () => {
        if (!address.proven) void proveAddress()
      }),
    )
  }

  await certificate?.bundleWritten().catch(() => {
    // The certificate's own log says why; everything but the bundle works.
  })
  void hub.tried().then(() => {
    triedAll = true
  })
  const graceMs = Math.max(0, upstreamGraceMs - (performance.now() - startedAt))
  await settlesWithin(hub.tried(), graceMs)

  const status = (): ReadyEvent => ({
    event: 'ready',
    version,
    startedInMs: Math.round(performance.now()),
    appUrl: origins.appUrl,
    origins: origins.all(),
    profiles: summaries(origins.appUrl),
    redirectUri: publicUrls(origins.appUrl).redirectUri,
    ...(certificate?.caFile !== undefined && { caFile: certificate.caFile }),
    ...(certificate?.bundleFile !== undefined && { bundleFile: certificate.bundleFile }),
    ...(certificate && { fingerprint: certificate.current().fingerprint256 }),
  })
  const ready = status()
  onEvent(ready)

  let closing: Promise<void> | undefined
  return {
    status: () => ({ ...status(), startedInMs: ready.startedInMs }),
    async applyFile(next) {
      file = next
      const changes = await hub.apply(next)
      await certificate?.check()
      onEvent({ event: 'config', state: 'applied', changes })
    },
    async reopen() {
      await certificate?.check()
      await hub.restartUpstreams()
      await proveAddress()
    },
    close() {
      closing ??= undo.disposeAsync()
      return closing
    },
  }
}

async function openListeners(
  config: ResolvedConfig,
  certificate: LocalCertificate | undefined,
): Promise<Listener[]> {
  const { host, httpPort, httpsPort, strictPort } = config.listen
  const http = await openListener({
    name: 'http',
    host,
    port: httpPort,
    portSetting: 'PORT',
    strictPort,
  })
  if (!certificate) return [http]
  try {
    const https = await openListener({
      name: 'https',
      host,
      port: httpsPort,
      portSetting: 'HTTPS_PORT',
      strictPort,
      certificate: certificate.current(),
    })
    return [https, http]
  } catch (error) {
    await http.close()
    throw error
  }
}

function describeOrigins(
  config: ResolvedConfig,
  listeners: readonly Listener[],
  file: () => GatewayFile,
): KnownOrigins {
  const { host } = config.listen
  const reachable = { lan: lanAddresses(networkInterfaces()), localNames: localNames(file()) }
  return createKnownOrigins({
    listeners: listeners.map(({ name, port }) => ({
      name,
      scheme: name,
      exposure: exposureOf(host),
      origins: listenerOrigins(name, host, port, reachable),
    })),
    externalOrigin: config.appUrl,
    allowedHosts: () => file().allowedHosts,
    allowedOrigins: () => file().allowedOrigins,
  })
}

function unproven(appUrl: string, reason: string): UserError {
  return new UserError('ADDRESS_UNPROVEN', `${appUrl} does not lead to this gateway: ${reason}.`, {
    hint: 'Check that HOST is reachable from this machine and that no other program answers there.',
  })
}

function describeUnreachable(config: ResolvedConfig, appUrl: string, reason: string) {
  return {
    code: 'APP_URL_UNREACHABLE',
    message: `${appUrl} does not lead to this gateway yet: ${reason}.`,
    hint: `Point your tunnel or proxy at port ${config.listen.httpPort} of this machine; it is tried again every 15 s.`,
  }
}
