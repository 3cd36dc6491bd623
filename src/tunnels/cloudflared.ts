import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { wait } from '../lib/clock.ts'

const emptyConfig = fileURLToPath(new URL('./cloudflared-empty.yml', import.meta.url))

/** Which tunnel cloudflared serves. */
export type CloudflareTunnel =
  | { readonly kind: 'quick' }
  /** Its rules are kept by Cloudflare: its public hostname must lead to the tunnel's target. */
  | { readonly kind: 'token'; readonly token: string; readonly hostname: string | undefined }
  /** What `cloudflared tunnel create` made: its name or id. Its credentials are in `~/.cloudflared`. */
  | { readonly kind: 'name'; readonly tunnelName: string; readonly hostname: string | undefined }

/** Another edge than Cloudflare's. */
export interface CloudflareEdge {
  /** Where quick tunnels are asked for; Cloudflare's own unless given. */
  readonly quickService?: string
  readonly address: string
  /** The system's authorities unless given. */
  readonly caCertFile?: string
}

export interface CloudflaredRun {
  readonly tunnel: CloudflareTunnel
  readonly protocol: 'http2' | 'quic' | 'auto'
  readonly edge: CloudflareEdge | undefined
  readonly target: string
  readonly metricsPort: number
}

/** The command line of cloudflared. Its flags stand before `run`, which knows few of them. */
export function cloudflaredArguments(run: CloudflaredRun): string[] {
  const flags = {
    config: emptyConfig,
    metrics: `127.0.0.1:${run.metricsPort}`,
    protocol: run.protocol,
    url: run.target,
    // It would wait half a minute for open event streams.
    'grace-period': '1s',
    ...edgeFlags(run.edge),
  }
  const given = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const switches = run.edge ? ['--no-autoupdate', '--no-prechecks'] : ['--no-autoupdate']
  return ['tunnel', ...given, ...switches, ...subcommand(run.tunnel)]
}

/** What cloudflared is told by its environment, where other users of the machine cannot look. */
export function cloudflaredSecrets(tunnel: CloudflareTunnel): Record<string, string> {
  return tunnel.kind === 'token' ? { TUNNEL_TOKEN: tunnel.token } : {}
}

function edgeFlags(edge: CloudflareEdge | undefined): Record<string, string> {
  if (!edge) return {}
  return {
    ...(edge.quickService !== undefined && { 'quick-service': edge.quickService }),
    edge: edge.address,
    ...(edge.caCertFile !== undefined && { cacert: edge.caCertFile }),
    'edge-ip-version': '4',
  }
}

function subcommand(tunnel: CloudflareTunnel): string[] {
  if (tunnel.kind === 'quick') return []
  return tunnel.kind === 'token' ? ['run'] : ['run', tunnel.tunnelName]
}

const openingPollMs = 100
const openPollMs = 1_000

/**
 * Reads what the metrics endpoint of a running cloudflared tells, without a look at its log. Every wait
 * rejects when `life` ends.
 */
export function createCloudflaredMetrics(port: number, life: AbortSignal) {
  const read = (path: string) => readLoopbackJson(`http://127.0.0.1:${port}/${path}`, life)
  const isReady = async () => (await read('ready'))?.status === 200
  return {
    /** Resolves when the first connection to the edge is registered. */
    async untilReady(): Promise<void> {
      while (!(await isReady())) await wait(openingPollMs, life)
    },
    /** The host name of a quick tunnel. */
    async quickHostname(): Promise<string | undefined> {
      const answer = await read('quicktunnel')
      return (answer?.body as { hostname?: string } | undefined)?.hostname || undefined
    },
    /** Resolves when it has had no connection to the edge for `patienceMs`. */
    async untilUnready(patienceMs: number): Promise<void> {
      // Not the time of day, which jumps when the machine wakes up.
      let lastReady = performance.now()
      while (performance.now() - lastReady < patienceMs) {
        await wait(Math.min(openPollMs, patienceMs), life)
        if (await isReady()) lastReady = performance.now()
      }
    },
  }
}

/**
 * Reads a JSON document from a server on this machine, over a connection of its own that is closed
 * afterwards.
 * @returns undefined while nothing useful is answered there
 */
function readLoopbackJson(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; body: unknown } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal, timeout: 2_000 }, async (response) => {
      try {
        const text = (await response.toArray()).join('')
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
      } catch {
        // Cut off, or no JSON: not an answer of the server we mean.
        resolve(undefined)
      }
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
