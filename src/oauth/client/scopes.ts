/** The scopes of a space-separated list (RFC 6749 section 3.3). */
export function splitScope(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').filter((one) => one !== '')
}

export function unionOfScopes(...lists: (readonly string[] | undefined)[]): string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))]
}

/** Whether every one of `wanted` is among `had`. */
export function coversScopes(had: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => had.includes(scope))
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
