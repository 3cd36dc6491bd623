/** `refuse`: nobody is connected to rather than somebody unknown. */
export type Verification = 'verify' | 'skip' | 'refuse'

/**
 * Whether the certificate of the other side is checked. It is, unless the server's configuration says
 * otherwise; and that counts for the server's own host only, and only while nobody beyond this
 * machine can use what a false server would be told.
 */
export function decideVerification(facts: {
  insecureSkipVerify: boolean
  /** Not one of an authorization server elsewhere. */
  isOwnHost: boolean
  /** A tunnel, or a listener beyond loopback, leads here. */
  isExposed: boolean
}): Verification {
  if (!facts.insecureSkipVerify || !facts.isOwnHost) return 'verify'
  return facts.isExposed ? 'refuse' : 'skip'
}
