import { whereToken } from '../../tunnels/tunnel-failures.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { configOf } from '../config-of.ts'
import type { DoctorWorld } from '../world.ts'

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

/** An authtoken is two groups of letters and digits, joined by an underscore. */
export function judgeNgrok(token: string | undefined): Finding {
  if (!token?.trim())
    return fail('ngrok needs an authtoken, and NGROK_AUTHTOKEN is empty.', whereToken)
  return /^[A-Za-z0-9]{10,}_[A-Za-z0-9]{10,}$/.test(token.trim())
    ? ok('NGROK_AUTHTOKEN is set and has the form of an authtoken.')
    : fail('NGROK_AUTHTOKEN does not have the form of an authtoken.', whereToken)
}

/** The token of a tunnel is base64 of JSON with an account, a tunnel and a secret. */
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
