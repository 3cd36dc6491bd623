import { quoted } from '../../lib/printable.ts'
import type { Grant } from './grant-store.ts'
import { coversScopes } from './scopes.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'

/** How often scopes that a login asked for may be demanded again: once, as a person may decline. */
const maxRepeats = 1

/** Ends the circle of a server that refuses whatever was granted (MCP 2026-07-28, step-up). */
export interface StepUpLimit {
  /** @throws UpstreamAuthError scope-refused once logins for these scopes proved useless */
  require(refused: { server: string; scopes: readonly string[]; grant: Grant }): void
}

export function createStepUpLimit(): StepUpLimit {
  /** Per server and scopes: the grants that did not do. */
  const useless = new Map<string, Set<string>>()
  return {
    require({ server, scopes, grant }) {
      if (!coversScopes(grant.requestedScopes, scopes)) return
      const key = JSON.stringify([server, ...scopes.toSorted()])
      const grants = useless.get(key) ?? new Set()
      useless.set(key, grants.add(grant.id))
      if (grants.size <= maxRepeats) return
      throw new UpstreamAuthError(
        'scope-refused',
        `The server ${JSON.stringify(server)} still refuses after ${grants.size} logins that asked for ${quoted(scopes.join(' '))}.`,
        { hint: 'Your account there may lack the right. Ask its operator, or log in as another.' },
      )
    },
  }
}
