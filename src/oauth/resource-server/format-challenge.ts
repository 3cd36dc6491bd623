/** What a WWW-Authenticate answer says (RFC 6750 section 3, RFC 9728 section 5.1). */
export interface Challenge {
  readonly resourceMetadata: string
  readonly scopes: readonly string[]
  /** Left out when the request brought no credentials at all (RFC 6750 section 3.1). */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  readonly description?: string
}

export function formatChallenge(challenge: Challenge): string {
  const parameters: [string, string | undefined][] = [
    ['error', challenge.error],
    ['error_description', challenge.description],
    ['scope', challenge.scopes.join(' ')],
    ['resource_metadata', challenge.resourceMetadata],
  ]
  const written = parameters.flatMap(([name, value]) => (value ? `${name}="${quote(value)}"` : []))
  return `Bearer ${written.join(', ')}`
}

/** RFC 6750 section 3 allows printable ASCII without `"` and `\` in every one of these values. */
function quote(value: string): string {
  return value.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?')
}
