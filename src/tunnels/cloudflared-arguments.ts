import { fileURLToPath } from 'node:url'

const emptyConfig = fileURLToPath(new URL('./cloudflared-empty.yml', import.meta.url))

/** Which tunnel cloudflared serves. */
export type CloudflareTunnel =
  | { readonly kind: 'quick' }
  /** Its rules are kept by Cloudflare: its public hostname must lead to the tunnel's target. */
  | { readonly kind: 'token'; readonly token: string; readonly hostname: string | undefined }
  /** What `cloudflared tunnel create` made: its name or id, and the credentials file it left. */
  | {
      readonly kind: 'name'
      readonly tunnelName: string
      readonly hostname: string | undefined
      /** Undefined where cloudflared finds it by itself, in `~/.cloudflared`. */
      readonly credentialsFile: string | undefined
    }

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
  if (tunnel.kind === 'token') return { TUNNEL_TOKEN: tunnel.token }
  if (tunnel.kind === 'name' && tunnel.credentialsFile !== undefined) {
    return { TUNNEL_CRED_FILE: tunnel.credentialsFile }
  }
  return {}
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
