import { hash } from 'node:crypto'
import type { AccessTokenClaims } from './access-token.ts'

/** How long a token that was verified is not verified again, ms: a key may be withdrawn meanwhile. */
const rememberedMs = 60_000
const maxRemembered = 1_000

interface Remembered {
  readonly claims: AccessTokenClaims
  readonly until: number
}

/**
 * Remembers which tokens were verified for which resource, since a signature costs more than the call it
 * comes with. What can be taken back (the grant, the profile, its scopes) is not remembered, and nothing
 * that was refused is. Tokens are kept by their hash.
 */
export function createTokenMemory(now: () => number) {
  const known = new Map<string, Remembered>()
  return {
    /** The claims of a token, which `verify` is asked for unless it said them a moment ago. */
    async claims(
      token: string,
      resource: string,
      verify: () => Promise<AccessTokenClaims>,
    ): Promise<AccessTokenClaims> {
      const key = hash('sha256', `${resource} ${token}`)
      const found = known.get(key)
      if (found && now() < found.until) return found.claims
      known.delete(key)
      const claims = await verify()
      const [oldest] = known.size >= maxRemembered ? known.keys() : []
      if (oldest !== undefined) known.delete(oldest)
      known.set(key, { claims, until: Math.min(now() + rememberedMs, claims.expiresAt) })
      return claims
    },
  }
}
