import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { type Check, type Finding, warn } from '../check.ts'
import { configOf, runningGateway } from '../config-of.ts'
import { healthOf } from '../find-gateway.ts'
import type { DoctorWorld } from '../world.ts'

/** An address the configuration asks a provider for, and the setting that names it. */
interface WantedName {
  readonly setting: string
  readonly origin: string
}

/** Whether another gateway, here or elsewhere, has the tunnel name this one asks for. */
export const tunnelName: Check = {
  id: 'tunnel-name',
  title: 'Tunnel',
  async run(world) {
    const config = configOf(world)
    if (!config || config.appUrl !== undefined) return []
    const judged = wantedNames(config).map((name) => judge(name, world))
    return (await Promise.all(judged)).flat()
  },
}

/** The names in the settings, as the addresses they would give. */
export function wantedNames({ tunnels }: Pick<ResolvedConfig, 'tunnels'>): WantedName[] {
  const { localtunnel, ngrok, cloudflare } = tunnels
  const host = new URL(localtunnel.host)
  const named = (setting: string, text: string | undefined): WantedName[] => {
    const url =
      text === undefined ? null : URL.parse(text.includes('://') ? text : `https://${text}`)
    return url ? [{ setting, origin: url.origin }] : []
  }
  return [
    ...named(
      'LOCALTUNNEL_SUBDOMAIN',
      localtunnel.subdomain && `${host.protocol}//${localtunnel.subdomain}.${host.host}`,
    ),
    ...named('NGROK_DOMAIN', ngrok.authtoken && ngrok.domain),
    ...named('CLOUDFLARE_HOSTNAME', (cloudflare.token ?? cloudflare.name) && cloudflare.hostname),
  ]
}

async function judge({ setting, origin }: WantedName, world: DoctorWorld): Promise<Finding[]> {
  // Whether our own public address leads here is another check's matter.
  if (runningGateway(world)?.publicOrigin === origin) return []
  const other = await healthOf(origin, world.ask)
  if (!other) return []
  return [
    warn(
      `${origin} (${setting}) is served by another Sallyport gateway, which has the name this one asks for.`,
      `Stop the other gateway, or choose another name in ${setting}.`,
    ),
  ]
}
