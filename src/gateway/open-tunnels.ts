import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type {
  ResolvedConfig,
  TunnelProviderName,
  TunnelSettings,
} from '../config/resolved-config.ts'
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
import { createTunnelSupervisor, type TunnelSupervisor } from '../tunnels/supervisor.ts'
import { createCanConnect, createTunnelEdge } from '../tunnels/tunnel-edge.ts'
import {
  createTunnelProvider,
  type TunnelOptions,
  tunnelTraits,
} from '../tunnels/tunnel-providers.ts'

export interface OpenTunnelsOptions {
  readonly config: ResolvedConfig
  readonly admit: KnownOrigins['admit']
  /** The loopback port that tunnels lead to. */
  readonly port: number
  readonly reaper: ProcessReaper
  readonly prove: (challenge: string) => string
  readonly streams: ProbeStreams
  readonly onPublicUrl: (publicUrl: string | undefined) => void
  readonly onEvent: (event: TunnelEvent) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** Prepares the providers that the configuration names, in order, and who looks after them. */
export function prepareTunnels(options: OpenTunnelsOptions): TunnelSupervisor {
  const { config, reaper, logger, prove, streams } = options
  const doh = createHttpSender()
  const resolveHost = createHostResolver({ ...standardSources(doh), now: Date.now })
  const names = config.tunnels.order.filter((name) => name !== 'local')
  const supervisor = createTunnelSupervisor({
    entries: names.map((name) => createEntry(name, config, { reaper, logger })),
    named: config.tunnel !== 'auto',
    failOver: config.tunnel === 'auto' || names.length > 1,
    target: new URL(`http://127.0.0.1:${options.port}`),
    edge: createTunnelEdge({
      prove,
      streams,
      createSender: (sender) => createHttpSender({ ...sender, lookup: lookupWith(resolveHost) }),
      canConnect: createCanConnect(resolveHost),
      clock: options.clock,
    }),
    admit: options.admit,
    onPublicUrl: options.onPublicUrl,
    onEvent: options.onEvent,
    interfaces: networkInterfaces,
    clock: options.clock,
    random: Math.random,
    logger,
  })
  return {
    ...supervisor,
    async close() {
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
  return { kind: 'name', tunnelName: name, hostname, credentialsFile: undefined }
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
