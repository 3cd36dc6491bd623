import type { X509Certificate } from 'node:crypto'
import type { StoreContent } from './trust-store.ts'

/**
 * `stale`: not ours, but an earlier authority of the same name is trusted, as after the authority
 * was made anew. `not-present`: there is no such store, or a tool to look into it is missing.
 */
export type StoreStatus =
  | { readonly state: 'trusted' | 'stale' | 'not-trusted'; readonly earlier: readonly string[] }
  | {
      readonly state: 'not-present'
      readonly reason: string
      readonly hint?: string | undefined
    }

/** What the content of a store means for an authority. */
export function statusOf(
  content: StoreContent,
  authority: Pick<X509Certificate, 'fingerprint256'>,
): StoreStatus {
  if (!content.present) {
    return { state: 'not-present', reason: content.reason, hint: content.hint }
  }
  const { fingerprint256 } = authority
  const trusted = content.certificates.filter(({ isTrusted }) => isTrusted)
  const isOurs = (entry: { fingerprint256: string }) => entry.fingerprint256 === fingerprint256
  const earlier = trusted.filter((entry) => !isOurs(entry)).map((entry) => entry.fingerprint256)
  if (trusted.some(isOurs)) return { state: 'trusted', earlier }
  return { state: earlier.length > 0 ? 'stale' : 'not-trusted', earlier }
}

/** Picks the authority and those of the same maker before it: ours, or mkcert's. */
export function sameMaker(authority: X509Certificate): (other: X509Certificate) => boolean {
  const maker = organizationOf(authority)
  return (other) =>
    other.fingerprint256 === authority.fingerprint256 ||
    (maker !== undefined && organizationOf(other) === maker)
}

function organizationOf({ subject }: X509Certificate): string | undefined {
  return /^O=(.+)$/m.exec(subject)?.[1]
}
