import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type {
  ResolvedConfig,
  TunnelProviderName,
  TunnelSettings,
} from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import type { TunnelEvent } from '../gateway-events.ts'
import type { Clock } from '../lib/clock.ts'
import { createHttpSender } from '../lib/http-sender.ts'
import type { Logger } from '../lib/logger.ts'
import type { ProcessReaper } from '../lib/process-reaper.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import type { CloudflareTunnel } from '../tunnels/cloudflared.ts'
import type { TunnelEntry } from '../tunnels/open-tunnel.ts'
import type { ProbeStreams } from '../tunnels/probe-stream.ts'
import { createHostResolver, lookupWith, standardSources } from '../tunnels/resolve-host.ts'
import { createTunnelSupervisor } from '../tunnels/supervisor.ts'
import { createCanConnect, createTunnelEdge } from '../tunnels/tunnel-edge.ts'
import {
  createTunnelProvider,
  type TunnelOptions,
  tunnelTraits,
} from '../tunnels/tunnel-providers.ts'
import { describeFailure, type TunnelStatus } from '../tunnels/tunnel-status.ts'

/** Prepares the providers that the configuration names, in order, and who looks after them. */
export function prepareTunnels(options: {
  config: ResolvedConfig
  origins: KnownOrigins
  /** Lets requests for a public origin in; the result shuts it out. */
  admit: KnownOrigins['admit']
  /** The loopback port that tunnels lead to; nothing is prepared without one. */
  port: number | undefined
  reaper: ProcessReaper
  prove: (challenge: string) => string
  streams: ProbeStreams
  /** Somebody may reach us now, or no longer. */
  onExposure: () => void
  /** The address has changed after the start, before which there is nobody to tell. */
  onMoved: (previousUrl: string) => void
  onEvent: (event: TunnelEvent) => void
  clock: Clock
  logger: Logger
}) {
  const { config, origins, port, reaper, prove, streams, onEvent, clock, logger } = options
  if (port === undefined) return undefined
  const doh = createHttpSender()
  const resolveHost = createHostResolver({ ...standardSources(doh), now: Date.now })
  const names = config.tunnels.order.filter((name) => name !== 'local')
  /** The user asked for a tunnel and nothing else: without one there is no start. */
  const isRequired = names.length === config.tunnels.order.length
  const held: TunnelEvent[] = []
  let isStarting = true
  const supervisor = createTunnelSupervisor({
    entries: names.map((name) => createEntry(name, config, { reaper, logger })),
    named: config.tunnel !== 'auto',
    failOver: config.tunnel === 'auto' || names.length > 1,
    target: new URL(`http://127.0.0.1:${port}`),
    edge: createTunnelEdge({
      prove,
      streams,
      createSender: (sender) => createHttpSender({ ...sender, lookup: lookupWith(resolveHost) }),
      canConnect: createCanConnect(resolveHost),
      clock,
    }),
    admit: options.admit,
    onPublicUrl(publicUrl) {
      const previousUrl = origins.appUrl()
      origins.setPublicOrigin(publicUrl)
      options.onExposure()
      if (!isStarting && origins.appUrl() !== previousUrl) options.onMoved(previousUrl)
    },
    onEvent(event) {
      if (event.state === 'up') held.splice(0).forEach(onEvent)
      // The error of a start that fails says all of these.
      const isFailure = event.state === 'failed' || event.state === 'local'
      if (isStarting && isRequired && isFailure) held.push(event)
      else onEvent(event)
    },
    interfaces: networkInterfaces,
    clock,
    random: Math.random,
    logger,
  })
  return {
    /** What is known of the tunnel that is open. */
    up() {
      const status = supervisor.status()
      return status.state === 'up' ? status : undefined
    },
    reopen: supervisor.reopen,
    /**
     * Opens the first tunnel. Without one local HTTPS goes on, unless the user asked for a tunnel and
     * nothing else.
     * @throws UserError with the code of what the last provider failed by
     */
    async start(): Promise<void> {
      const status = await supervisor.start()
      if (isRequired) requireTunnel(status)
    },
    /** The gateway has started: from now on everything is told as it happens. */
    started(): void {
      isStarting = false
    },
    async close(): Promise<void> {
      await supervisor.close()
      await doh.close()
    },
  }
}

function createEntry(
  name: TunnelProviderName,
  config: ResolvedConfig,
  { reaper, logger }: { reaper: ProcessReaper; logger: Logger },
): TunnelEntry {
  const { environment } = config
  const provider = createTunnelProvider(name, optionsFor(config)[name], {
    reaper,
    logger: logger.child(name),
    environment,
  })
  const service = serviceOf(name, config.tunnels)
  return { provider, traits: tunnelTraits(name), ...(service && { service }) }
}

function optionsFor({ tunnels, environment, home, projectDir }: ResolvedConfig): TunnelOptions {
  const { cloudflare, command, localtunnel, ngrok, anySubdomain } = tunnels
  return {
    localtunnel: {
      host: new URL(localtunnel.host),
      subdomain: localtunnel.subdomain,
      anySubdomain,
    },
    ngrok,
    cloudflare: {
      tunnel: cloudflareTunnel(cloudflare),
      protocol: cloudflare.protocol,
      ...cloudflareEdge(cloudflare),
      binary: {
        bin: cloudflare.binary,
        searchPath: environment.PATH ?? '',
        installDir: join(home, 'bin'),
      },
    },
    command: {
      commandLine: command.line,
      urlPattern: new RegExp(command.urlPattern),
      cwd: projectDir,
    },
  }
}

function cloudflareEdge({ edge, caCertFile }: TunnelSettings['cloudflare']) {
  if (edge === undefined) return {}
  return { edge: { address: edge, ...(caCertFile !== undefined && { caCertFile }) } }
}

function cloudflareTunnel(settings: TunnelSettings['cloudflare']): CloudflareTunnel {
  const { token, name, hostname } = settings
  if (token !== undefined) return { kind: 'token', token, hostname }
  if (name === undefined) return { kind: 'quick' }
  return { kind: 'name', tunnelName: name, hostname }
}

/** Where a provider's client connects to, which tells whether there is a network for it. */
function serviceOf(name: TunnelProviderName, settings: TunnelSettings): URL | undefined {
  switch (name) {
    case 'localtunnel':
      return new URL(settings.localtunnel.host)
    case 'ngrok':
      return new URL(`tls://${settings.ngrok.serverAddr ?? 'connect.ngrok-agent.com:443'}`)
    case 'cloudflare':
      if (settings.cloudflare.edge !== undefined)
        return new URL(`tls://${settings.cloudflare.edge}`)
      return cloudflareTunnel(settings.cloudflare).kind === 'quick'
        ? new URL('https://api.trycloudflare.com')
        : new URL('tls://region1.v2.argotunnel.com:7844')
    case 'command':
      return undefined
  }
}

/** @throws UserError with the code of what the last provider failed by, where no tunnel works */
function requireTunnel(status: TunnelStatus): void {
  if (status.state !== 'local') return
  const { failures } = status
  const last = failures.at(-1)
  const message =
    failures.length > 1
      ? ['No tunnel could be opened:', ...failures.map(describeFailure)].join('\n  ')
      : last?.message
  const cure = failures.length === 1 ? last?.hint : undefined
  const local = 'With "local" at the end of --tunnel, local HTTPS is used instead.'
  throw new UserError(last?.code ?? 'TUNNEL_UNREACHABLE', message ?? 'No tunnel could be opened.', {
    hint: cure === undefined ? local : `${cure} ${local}`,
  })
}
