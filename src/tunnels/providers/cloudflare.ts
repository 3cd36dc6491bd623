import { UserError } from '../../errors.ts'
import { findFreePort } from '../../lib/free-port.ts'
import { redactSecrets } from '../../lib/redact.ts'
import { clientEnvironment, startClient } from '../client-process.ts'
import {
  addressOf,
  addressRefused,
  type ClientReport,
  openClientTunnel,
  parsePublicAddress,
} from '../client-tunnel.ts'
import {
  type CloudflaredRun,
  type CloudflareEdge,
  type CloudflareTunnel,
  cloudflaredArguments,
  cloudflaredSecrets,
  createCloudflaredMetrics,
} from '../cloudflared.ts'
import { type CloudflaredPlaces, findCloudflared } from '../cloudflared-binary.ts'
import { explainFailure, recogniseFailure, toUserError } from '../tunnel-failures.ts'
import type {
  CheckResult,
  TunnelDependencies,
  TunnelFailure,
  TunnelProvider,
  TunnelTraits,
} from '../tunnel-provider.ts'

const provider = 'cloudflare'

export interface CloudflareOptions {
  readonly tunnel: CloudflareTunnel
  readonly binary: CloudflaredPlaces
  readonly protocol: 'http2' | 'quic' | 'auto'
  readonly edge?: CloudflareEdge
  /** Longest time until the edge knows us, ms. Half a minute passes where DNS never answers. */
  readonly timeoutMs?: number
  /**
   * How long cloudflared may try to reconnect by itself, ms. It takes its time, but a quick tunnel
   * that is opened again has another name.
   */
  readonly reconnectMs?: number
}

export const traits: TunnelTraits = {
  skipInterstitialHeader: undefined,
  interstitialAdvice: undefined,
  // A quick tunnel answers 429 beyond 200 requests at once.
  maxHeldStreams: 180,
  clientAddress: { header: 'cf-connecting-ip', take: 'last' },
  encryptedLeg: true,
}

/** The `cloudflared` program: a quick tunnel without an account, or one of the user's own. */
export function createTunnelProvider(
  options: CloudflareOptions,
  dependencies: TunnelDependencies,
): TunnelProvider {
  const { tunnel, protocol, timeoutMs = 45_000 } = options
  const reconnectMs = options.reconnectMs ?? (tunnel.kind === 'quick' ? 20_000 : 3_000)
  const secrets = tunnel.kind === 'token' ? [tunnel.token] : []

  return {
    name: provider,
    check: () => check(options),
    async open(target, { signal }) {
      signal.throwIfAborted()
      const { host, port } = addressOf(target)
      const binary = await findCloudflared(options.binary)
      if (!binary.ok) throw toUserError(binary)
      const metricsPort = await findFreePort()
      const url = `http://${host}:${port}`
      const run: CloudflaredRun = { tunnel, protocol, edge: options.edge, target: url, metricsPort }
      let lastFailure: UserError | undefined

      function hear(line: string, report: ClientReport): void {
        const failure = recogniseFailure(provider, line)
        if (!failure) return
        lastFailure = toUserError(failure, redactSecrets(line, secrets))
        // It would try these again for ever.
        const isFinal =
          failure.code === 'TUNNEL_TOKEN_INVALID' ||
          (failure.code === 'TUNNEL_UDP_BLOCKED' && protocol === 'quic')
        if (isFinal) report.failed(lastFailure)
      }

      return openClientTunnel(
        {
          client: 'cloudflared',
          timeoutMs,
          explainTimeout: () => lastFailure ?? silent(),
          explainExit: ({ how, lastWords }) =>
            explainFailure(provider, { how: `cloudflared ${how}`, words: lastWords }),
          start(report, life) {
            void watch({ metricsPort, tunnel, reconnectMs }, report, life)
            return startClient(
              {
                command: binary.path,
                args: cloudflaredArguments(run),
                env: clientEnvironment(dependencies.environment, cloudflaredSecrets(tunnel)),
                secrets,
                onLine: (line) => hear(line, report),
              },
              dependencies,
            )
          },
        },
        { signal },
      )
    },
  }
}

async function check({ binary, tunnel }: CloudflareOptions): Promise<CheckResult> {
  const configured = tunnel.kind !== 'quick'
  if (configured && tunnel.hostname === undefined) {
    return { ok: false, configured, ...hostnameMissing }
  }
  const found = await findCloudflared(binary)
  return found.ok ? { ok: true } : { ...found, configured }
}

/** Reports the address once the edge knows us, and the loss of the edge. */
async function watch(
  run: { metricsPort: number; tunnel: CloudflareTunnel; reconnectMs: number },
  report: ClientReport,
  life: AbortSignal,
): Promise<void> {
  const metrics = createCloudflaredMetrics(run.metricsPort, life)
  try {
    await metrics.untilReady()
    const { tunnel } = run
    const hostname = tunnel.kind === 'quick' ? await metrics.quickHostname() : tunnel.hostname
    if (hostname === undefined) return report.failed(toUserError(hostnameMissing))
    const address = parsePublicAddress(`https://${hostname}`)
    if (!address) return report.failed(addressRefused('Cloudflare', hostname))
    report.url(address)
    await metrics.untilUnready(run.reconnectMs)
    report.lost('cloudflared has lost the edge')
  } catch (error) {
    // Every wait ends by an error when the tunnel does, which has said why by then.
    if (!life.aborted) throw error
  }
}

const hostnameMissing: TunnelFailure = {
  code: 'TUNNEL_NAME_REFUSED',
  message: 'Nothing says which public host name the Cloudflare tunnel has.',
  hint: 'Set CLOUDFLARE_HOSTNAME to the public hostname of the tunnel, such as mcp.example.com.',
}

function silent(): UserError {
  return new UserError('TUNNEL_SILENT', 'Cloudflare did not register the tunnel in time.', {
    hint: 'Try again later, see whether TCP port 7844 is open, or choose another provider with TUNNEL.',
  })
}
