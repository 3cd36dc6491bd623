import type { Exposure } from '../origin/exposure.ts'

/** How callers of a profile prove who they are. */
export type ProfileAuth = 'none' | 'key' | 'oauth'

/** The scope that reads and calls everything a profile shows. */
export const baseScope = 'mcp'

/** What a request must bring (`oauth` takes the profile's API keys as well), and a reason to warn when that differs from what was configured. */
export interface AuthDecision {
  readonly auth: ProfileAuth
  /** `overruled`: `none` was configured and is not followed. `anonymous`: strangers are let in. */
  readonly caution: 'overruled' | 'anonymous' | undefined
}

/**
 * Exposed means protected. Only the listener a request came in through decides how exposed it is;
 * no header has a say, so a request through the tunnel is never local.
 */
export function decideAuth(facts: {
  exposure: Exposure
  configured: ProfileAuth | undefined
  /** `--allow-anonymous` */
  allowAnonymous: boolean
}): AuthDecision {
  const { exposure, configured, allowAnonymous } = facts
  if (configured === 'key' || configured === 'oauth')
    return { auth: configured, caution: undefined }
  if (exposure === 'loopback') return { auth: 'none', caution: undefined }
  if (configured === undefined) return { auth: 'oauth', caution: undefined }
  return allowAnonymous
    ? { auth: 'none', caution: 'anonymous' }
    : { auth: 'oauth', caution: 'overruled' }
}

/** The sentence to print at every start for a profile whose decision needs one. */
export function describeCaution(
  profile: string,
  caution: NonNullable<AuthDecision['caution']>,
): { message: string; hint: string } {
  const name = JSON.stringify(profile)
  if (caution === 'anonymous') {
    return {
      message: `The profile ${name} is open to everybody who knows its address: anyone can call its tools.`,
      hint: 'Remove `"auth": "none"` from the profile, or start without --allow-anonymous.',
    }
  }
  return {
    message: `The profile ${name} says \`"auth": "none"\`, which holds on this machine only; from elsewhere it needs OAuth or an API key.`,
    hint: 'Start with --allow-anonymous to open it to everybody, or set "auth" to "oauth" or "key".',
  }
}
