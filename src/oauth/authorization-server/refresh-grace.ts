/** The part of a stored refresh token that its rotation depends on. */
export interface RotatedToken {
  /** When it was exchanged, in seconds since the epoch. */
  readonly consumed?: unknown
  /** How many rotations lie between it and the first of its family. */
  readonly rotations?: unknown
}

const graceMs = 30_000

/**
 * Whether a refresh token that was exchanged already may be exchanged once more: within 30 seconds,
 * and as long as none of those that replaced it was used. Then the answer was lost, or two
 * processes of one client refreshed at once; otherwise somebody else has the token, and RFC 9700
 * section 4.14.2 has the whole family revoked.
 */
export function isRepeatedInGrace(
  token: RotatedToken,
  { family, now }: { family: readonly RotatedToken[]; now: number },
): boolean {
  if (typeof token.consumed !== 'number') return false
  if (now - token.consumed * 1000 > graceMs) return false
  const age = rotationsOf(token)
  return !family.some((other) => rotationsOf(other) > age && other.consumed !== undefined)
}

function rotationsOf(token: RotatedToken): number {
  return typeof token.rotations === 'number' ? token.rotations : 0
}
