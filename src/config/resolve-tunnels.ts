import { resolve } from 'node:path'
import { UserError } from '../errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import type { Environment } from './environment-schema.ts'
import type { ConfigOverrides } from './resolve-environment.ts'
import type { TunnelChoice, TunnelSelection, TunnelSettings } from './resolved-config.ts'

const providers: readonly TunnelChoice[] = ['cloudflare', 'command', 'localtunnel', 'ngrok']
const choices: readonly string[] = [...providers, 'local']
/** What is no provider, and so says what to do by itself. */
const alone: readonly string[] = ['auto', 'external', 'none']

/** What `TUNNEL` means: one of the selections by itself, or an order of providers. */
export function resolveSelection(names: readonly string[]): TunnelSelection {
  const [only = 'auto'] = names
  const selections = [...alone, 'local']
  return names.length <= 1 && selections.includes(only) ? (only as TunnelSelection) : 'order'
}

/**
 * Gathers what the tunnel providers are given, and decides which are tried.
 * @throws UserError USAGE when the order names what does not exist
 */
export function resolveTunnels(
  values: Environment,
  options: {
    overrides: ConfigOverrides
    /** Relative paths start here. */
    projectDir: string
    /** The user's own public address, beside which no tunnel is opened. */
    appUrl: string | undefined
  },
): TunnelSettings {
  const { overrides, projectDir, appUrl } = options
  const absolute = (path: string | undefined) => path && resolve(projectDir, path)
  return {
    order: appUrl === undefined ? resolveOrder(values) : ['local'],
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
  }
}

type OrderValues = Pick<
  Environment,
  'TUNNEL' | 'CLOUDFLARE_TUNNEL_TOKEN' | 'CLOUDFLARE_TUNNEL_NAME' | 'NGROK_AUTHTOKEN'
>

/** `auto` opens nothing that was not set up, but for localtunnel; what has an account keeps its address. */
function resolveOrder(values: OrderValues): readonly TunnelChoice[] {
  const selection = resolveSelection(values.TUNNEL)
  if (selection === 'order') return requireOrder(values.TUNNEL)
  if (selection !== 'auto') return ['local']
  const hasCloudflare =
    values.CLOUDFLARE_TUNNEL_TOKEN !== undefined || values.CLOUDFLARE_TUNNEL_NAME !== undefined
  return [
    ...(hasCloudflare ? (['cloudflare'] as const) : []),
    ...(values.NGROK_AUTHTOKEN !== undefined ? (['ngrok'] as const) : []),
    'localtunnel',
    'local',
  ]
}

function requireOrder(names: readonly string[]): readonly TunnelChoice[] {
  const problem = orderProblem(names)
  if (problem === undefined) return names as readonly TunnelChoice[]
  throw new UserError('USAGE', problem, { hint: 'Correct --tunnel, or TUNNEL in .env.' })
}

function orderProblem(order: readonly string[]): string | undefined {
  const unknown = order.find((name) => !choices.includes(name))
  if (unknown !== undefined) {
    if (alone.includes(unknown)) return `"${unknown}" stands alone: it is no part of an order.`
    const near = nearestName(unknown, [...alone, ...choices])
    const all = `There are ${alone.join(', ')}, or an order of ${choices.join(', ')}.`
    const advice = near ? `Did you mean "${near}"?` : all
    return `There is no tunnel ${JSON.stringify(unknown)}. ${advice}`
  }
  const twice = order.find((name, index) => order.indexOf(name) !== index)
  if (twice !== undefined) return `The order of tunnels names "${twice}" twice.`
  const afterLocal = order.includes('local') && order[order.indexOf('local') + 1]
  if (!afterLocal) return undefined
  return `"${afterLocal}" would never be tried: "local", before it, always works.`
}
