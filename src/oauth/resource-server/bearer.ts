/** What an Authorization header carries. */
export type Credentials =
  | { kind: 'absent' }
  | { kind: 'unusable'; reason: string }
  | { kind: 'bearer'; token: string }

// RFC 6750 section 2.1: b64token.
const bearerForm = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** Longer than any token of ours; a header may be longer, and hashing or parsing it would cost. */
const maxTokenLength = 8_192

export function readCredentials(header: string | undefined): Credentials {
  if (header === undefined || header.trim() === '') return { kind: 'absent' }
  const token = bearerForm.exec(header.trim())?.[1]
  if (token === undefined) {
    return { kind: 'unusable', reason: 'the Authorization header is not a bearer token' }
  }
  if (token.length > maxTokenLength) return { kind: 'unusable', reason: 'the token is too long' }
  return { kind: 'bearer', token }
}
