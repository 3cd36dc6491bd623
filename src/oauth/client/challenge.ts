import { quoted } from '../../lib/printable.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { UpstreamGrant } from './upstream-grants.ts'

/** What a refusal says about how to be let in (RFC 6750 section 3, RFC 9728 section 5.1). */
interface BearerChallenge {
  readonly resourceMetadata: string | undefined
  /** Undefined when the challenge names none. */
  readonly scopes: readonly string[] | undefined
  readonly error: string | undefined
}

/** What the next login has to answer. */
export interface LoginChallenge extends Pick<BearerChallenge, 'resourceMetadata' | 'scopes'> {
  /** What it asks for besides: earlier scopes, and those that were found missing. */
  readonly steppedUp: readonly string[]
}

/** A server that has refused nothing yet. */
export const noChallenge: LoginChallenge = {
  resourceMetadata: undefined,
  scopes: undefined,
  steppedUp: [],
}

// RFC 9110 11.2: a parameter is a token or a quoted string with escapes.
const parameter =
  /(?<![\w!#$%&'*+.^`|~-])([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g

/** Reads the Bearer challenge out of a WWW-Authenticate value; empty when there is none. */
export function parseChallenge(header: string | undefined): BearerChallenge {
  const found = new Map<string, string>()
  for (const [, name = '', quoted, plain = ''] of bearerPart(header ?? '').matchAll(parameter)) {
    const value = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1')
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value)
  }
  const scopes = splitScope(found.get('scope'))
  return {
    resourceMetadata: found.get('resource_metadata'),
    scopes: scopes.length > 0 ? scopes : undefined,
    error: found.get('error'),
  }
}

/** From the Bearer scheme to the next scheme, as one field may carry several challenges. */
function bearerPart(header: string): string {
  // Quoted text is blanked at equal length, so that a scheme's name in it is not taken for one.
  const outline = header.replace(/"(?:[^"\\]|\\.?)*(?:"|$)/gs, (text) =>
    '"'.padEnd(text.length, '"'),
  )
  const start = /(?:^|,)\s*bearer(?=\s|,|$)/i.exec(outline)
  if (!start) return ''
  const from = start.index + start[0].length
  const next = /,\s*[\w!#$%&'*+.^`|~-]+(?:\s+[\w!#$%&'*+.^`|~-]+\s*=|\s*(?:,|$))/.exec(
    outline.slice(from),
  )
  return header.slice(from, next ? from + next.index : undefined)
}

/** The scopes of a space-separated list (RFC 6749 section 3.3). */
export function splitScope(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').filter((one) => one !== '')
}

export function unionOfScopes(...lists: (readonly string[] | undefined)[]): string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))]
}

/**
 * The scopes to ask for: what the user configured, else what the server demands, else what its
 * metadata lists, else none; then what earlier refusals added (MCP 2026-07-28, scope selection and
 * step-up), and `offline_access` where the issuer knows it and there is something to keep.
 */
export function selectScopes(from: {
  configured: readonly string[] | undefined
  challenged: readonly string[] | undefined
  listed: readonly string[] | undefined
  /** Demanded by `insufficient_scope`, and what was granted before that. */
  steppedUp: readonly string[]
  issuerKnows: readonly string[] | undefined
  mayRefresh: boolean
}): string[] {
  const base = from.configured ?? from.challenged ?? from.listed ?? []
  const scopes = unionOfScopes(base, from.steppedUp)
  const keep =
    from.mayRefresh && scopes.length > 0 && from.issuerKnows?.includes('offline_access') === true
  return keep ? unionOfScopes(scopes, ['offline_access']) : scopes
}

/** How often scopes that a login asked for may be demanded again: once, as a person may decline. */
const maxRepeats = 1

export type StepUpLimit = ReturnType<typeof createStepUpLimit>

/**
 * Ends the circle of a server that refuses whatever was granted (MCP 2026-07-28, step-up). The
 * function it returns throws UpstreamAuthError scope-refused once logins for these scopes proved useless.
 */
export function createStepUpLimit() {
  /** Per server and scopes: the grants that did not do. */
  const useless = new Map<string, Set<string>>()
  return (refused: { server: string; scopes: readonly string[]; grant: UpstreamGrant }): void => {
    const { server, scopes, grant } = refused
    if (!scopes.every((scope) => grant.requestedScopes.includes(scope))) return
    const key = JSON.stringify([server, ...scopes.toSorted()])
    const grants = useless.get(key) ?? new Set()
    useless.set(key, grants.add(grant.id))
    if (grants.size <= maxRepeats) return
    throw new UpstreamAuthError(
      'scope-refused',
      `The server ${JSON.stringify(server)} still refuses after ${grants.size} logins that asked for ${quoted(scopes.join(' '))}.`,
      { hint: 'Your account there may lack the right. Ask its operator, or log in as another.' },
    )
  }
}
