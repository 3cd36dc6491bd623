import { resolve } from 'node:path'
import type { ConfigOverrides } from './environment-layers.ts'
import type { Environment } from './environment-schema.ts'
import type { TunnelSelection, TunnelSettings } from './resolved-config.ts'

const selections: readonly string[] = ['auto', 'local', 'external', 'none']

/** What `TUNNEL` means: one of the selections by itself, or an order of providers. */
export function resolveSelection(names: readonly string[]): TunnelSelection {
  const [only = 'auto'] = names
  return names.length <= 1 && selections.includes(only) ? (only as TunnelSelection) : 'order'
}

/** Gathers what the tunnel providers are given. */
export function resolveTunnels(
  values: Environment,
  options: {
    overrides: ConfigOverrides
    /** Relative paths start here. */
    projectDir: string
    env: Readonly<Record<string, string | undefined>>
  },
): TunnelSettings {
  const { overrides, projectDir } = options
  const absolute = (path: string | undefined) => path && resolve(projectDir, path)
  return {
    order: resolveSelection(values.TUNNEL) === 'order' ? values.TUNNEL : [],
    allowAnonymous: overrides.allowAnonymous ?? false,
    anySubdomain: overrides.anySubdomain ?? false,
    localtunnel: { host: values.LOCALTUNNEL_HOST, subdomain: values.LOCALTUNNEL_SUBDOMAIN },
    ngrok: {
      authtoken: values.NGROK_AUTHTOKEN,
      domain: values.NGROK_DOMAIN,
      serverAddr: values.NGROK_SERVER_ADDR,
      caCertFile: absolute(values.NGROK_CA_CERT),
    },
    cloudflare: {
      token: values.CLOUDFLARE_TUNNEL_TOKEN,
      name: values.CLOUDFLARE_TUNNEL_NAME,
      hostname: values.CLOUDFLARE_HOSTNAME,
      binary: absolute(values.CLOUDFLARED_BIN),
      edge: values.CLOUDFLARE_EDGE,
      caCertFile: absolute(values.CLOUDFLARE_CA_CERT),
      protocol: values.CLOUDFLARE_PROTOCOL,
    },
    command: { line: values.TUNNEL_COMMAND, urlPattern: values.TUNNEL_COMMAND_URL },
    environment: { ...options.env },
  }
}
