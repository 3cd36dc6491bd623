import { join } from 'node:path'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { findCloudflared } from '../../tunnels/cloudflared-binary.ts'
import { whereToken } from '../../tunnels/tunnel-failures.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { healthOf } from '../find-gateway.ts'
import { configOf, type DoctorWorld, runningGateway } from '../world.ts'

/** Whether the tunnels that are configured exist, and the programs they need. */
export const tunnelPrograms: Check = {
  id: 'tunnel-programs',
  title: 'Tunnel',
  async run(world) {
    const config = configOf(world)
    if (!config) return []
    const findings: Finding[] = [ok(describe(config))]
    if (!config.tunnels.order.includes('cloudflare')) return findings
    const found = await findCloudflared({
      bin: config.tunnels.cloudflare.binary,
      searchPath: config.environment.PATH ?? '',
      installDir: join(config.home, 'bin'),
    })
    if (found.ok) return [...findings, ok('cloudflared is installed.')]
    const isMissing = config.tunnels.cloudflare.binary === undefined
    const fix = isMissing ? 'pnpm sallyport cloudflared install' : found.hint
    return [...findings, fail(found.message, fix)]
  },
}

function describe({ tunnel, appUrl, tunnels: { order } }: ResolvedConfig): string {
  if (tunnel === 'none') return 'No tunnel and no HTTPS: TUNNEL is none.'
  if (appUrl !== undefined) return 'The address is APP_URL, which something of yours forwards here.'
  return order[0] === 'local'
    ? 'A start opens no tunnel: local HTTPS is the address.'
    : `A start tries ${order.join(', then ')}.`
}

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
    const judged = wantedNames(config).map((name) => judgeName(name, world))
    return (await Promise.all(judged)).flat()
  },
}

/**
 * The names in the settings, as the addresses they would give.
 * @internal
 */
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

async function judgeName({ setting, origin }: WantedName, world: DoctorWorld): Promise<Finding[]> {
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

/** Whether the credentials of what is configured are there and look like what they are. */
export const tokens: Check = {
  id: 'tokens',
  title: 'Tunnel',
  run: async (world) => [...judgeTunnels(world), ...judgeSignIn(world)],
}

function judgeTunnels(world: DoctorWorld): Finding[] {
  const config = configOf(world)
  if (!config) return []
  const { order, ngrok, cloudflare } = config.tunnels
  return [
    ...(order.includes('ngrok') ? [judgeNgrok(ngrok.authtoken)] : []),
    ...(order.includes('cloudflare') && cloudflare.token !== undefined
      ? [judgeCloudflare(cloudflare.token)]
      : []),
    ...(order.includes('cloudflare') && isNamed(cloudflare) && cloudflare.hostname === undefined
      ? [
          fail(
            'Nothing says which public host name the Cloudflare tunnel has.',
            'Set CLOUDFLARE_HOSTNAME to it, such as mcp.example.com.',
          ),
        ]
      : []),
  ]
}

function isNamed({ token, name }: { token: string | undefined; name: string | undefined }) {
  return token !== undefined || name !== undefined
}

/**
 * An authtoken is two groups of letters and digits, joined by an underscore.
 * @internal
 */
export function judgeNgrok(token: string | undefined): Finding {
  if (!token?.trim())
    return fail('ngrok needs an authtoken, and NGROK_AUTHTOKEN is empty.', whereToken)
  return /^[A-Za-z0-9]{10,}_[A-Za-z0-9]{10,}$/.test(token.trim())
    ? ok('NGROK_AUTHTOKEN is set and has the form of an authtoken.')
    : fail('NGROK_AUTHTOKEN does not have the form of an authtoken.', whereToken)
}

/**
 * The token of a tunnel is base64 of JSON with an account, a tunnel and a secret.
 * @internal
 */
export function judgeCloudflare(token: string): Finding {
  const hint =
    'Copy the token alone, without the command around it, from the tunnel in the Zero Trust dashboard into CLOUDFLARE_TUNNEL_TOKEN.'
  return isTunnelToken(token.trim())
    ? ok('CLOUDFLARE_TUNNEL_TOKEN is set and has the form of a tunnel token.')
    : fail('CLOUDFLARE_TUNNEL_TOKEN does not have the form of a tunnel token.', hint)
}

function isTunnelToken(token: string): boolean {
  if (!/^[\w+/=-]+$/.test(token)) return false
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'))
    return ['a', 't', 's'].every((key) => typeof Object(value)[key] === 'string')
  } catch {
    return false
  }
}

const signIns = [
  ['AUTH_GITHUB_CLIENT_ID', 'AUTH_GITHUB_CLIENT_SECRET'],
  ['AUTH_GOOGLE_CLIENT_ID', 'AUTH_GOOGLE_CLIENT_SECRET'],
  ['AUTH_OIDC_ISSUER', 'AUTH_OIDC_CLIENT_ID', 'AUTH_OIDC_CLIENT_SECRET'],
] as const

function judgeSignIn({ settings }: DoctorWorld): Finding[] {
  const has = (name: string) => Boolean(settings.environment[name] || settings.dotenv[name])
  const half = signIns.flatMap((names) => {
    const missing = names.filter((name) => !has(name))
    if (missing.length === 0 || missing.length === names.length) return []
    const set = names.filter(has)
    return [
      warn(
        `${set.join(' and ')} is set, but ${missing.join(' and ')} is not, so nobody can sign in there.`,
        `Set ${missing.join(' and ')} in .env.`,
      ),
    ]
  })
  const isComplete = signIns.some((names) => names.every(has))
  const nobody =
    isComplete && !has('AUTH_ALLOW')
      ? [
          warn(
            'A way to sign in is set up, but AUTH_ALLOW is empty, so nobody may allow clients by it.',
            'Set AUTH_ALLOW in .env, such as ada@example.com.',
          ),
        ]
      : []
  return [...half, ...nobody]
}
