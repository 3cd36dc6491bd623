import type { Exposure } from './known-origins.ts'

/** How callers of a profile prove who they are. */
export type ProfileAuth = 'none' | 'key' | 'oauth'

export type ServeDecision =
  /** `anonymous`: to callers beyond this machine, without authentication. */
  | { readonly ok: true; readonly anonymous: boolean }
  /** A sentence, and what to do. */
  | { readonly ok: false; readonly message: string; readonly hint: string }

/**
 * Whether a profile may be served to whoever reaches an origin. Beyond this machine, a profile
 * without authentication is served only when the user said so.
 */
export function mayServe(
  profile: { readonly name: string; readonly auth: ProfileAuth },
  { exposure, allowAnonymous }: { exposure: Exposure; allowAnonymous: boolean },
): ServeDecision {
  if (profile.auth !== 'none' || exposure === 'loopback') return { ok: true, anonymous: false }
  if (allowAnonymous) return { ok: true, anonymous: true }
  const audience = exposure === 'public' ? 'anyone on the internet' : 'anyone on the local network'
  return {
    ok: false,
    message: `The profile "${profile.name}" asks callers for nothing, so ${audience} could use its tools.`,
    hint: 'Pass --allow-anonymous if that is what you want.',
  }
}

/** Whether a public tunnel may be opened at all, and what to warn of when it is. */
export type TunnelDecision =
  | { readonly ok: true; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string; readonly hint: string }

/** A tunnel may be opened when at least one profile may be served through it. */
export function mayOpenTunnel(
  profiles: readonly { readonly name: string; readonly auth: ProfileAuth }[],
  { allowAnonymous }: { allowAnonymous: boolean },
): TunnelDecision {
  const decisions = profiles.map((profile) => ({
    name: profile.name,
    decision: mayServe(profile, { exposure: 'public', allowAnonymous }),
  }))
  if (!decisions.some(({ decision }) => decision.ok)) {
    return {
      ok: false,
      message:
        'No tunnel is opened, because without authentication anyone on the internet could use your tools.',
      hint: 'Pass --allow-anonymous if that is what you want.',
    }
  }
  const anonymous = decisions.filter(({ decision }) => decision.ok && decision.anonymous)
  return {
    ok: true,
    warnings: anonymous.map(
      ({ name }) =>
        `Anyone on the internet who has the address can use the tools of profile "${name}": it is served without authentication.`,
    ),
  }
}
