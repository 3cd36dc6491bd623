import { sign, verify } from 'node:crypto'
import type { BundleSigningKey } from './bundle-signing-keys.ts'

/** A document as it is kept: its exact text, and an Ed25519 signature (RFC 8032) over that. */
export interface SignedDocument {
  readonly format: 1
  readonly keyId: string
  /** JSON of what is kept, with the place it belongs to. */
  readonly payload: string
  /** base64url */
  readonly signature: string
}

/** What a kept document holds, or why that cannot be believed, as the rest of a sentence. */
export type Verified<T> = { ok: true; content: T } | { ok: false; reason: string }

/** Signs `content` for `place`; it verifies at no other place. */
export function signDocument(
  key: BundleSigningKey,
  place: string,
  content: object,
): SignedDocument {
  const payload = JSON.stringify({ place, content })
  const signature = sign(null, signedBytes(payload), key.privateKey).toString('base64url')
  return { format: 1, keyId: key.id, payload, signature }
}

/** The content that one of `keys` signed for `place`. */
export function verifyDocument<T>(
  keys: readonly BundleSigningKey[],
  place: string,
  document: unknown,
): Verified<T> {
  if (!isSignedDocument(document)) return { ok: false, reason: 'it carries no signature' }
  const key = keys.find(({ id }) => id === document.keyId)
  if (!key) return { ok: false, reason: 'it was signed with a key that is no longer ours' }
  const signature = Buffer.from(document.signature, 'base64url')
  if (!verify(null, signedBytes(document.payload), key.publicKey, signature)) {
    return { ok: false, reason: 'it was changed since it was signed' }
  }
  const signed = JSON.parse(document.payload) as { place: string; content: T }
  return signed.place === place
    ? { ok: true, content: signed.content }
    : { ok: false, reason: 'it was signed for another place' }
}

// Keeps these signatures apart from anything else that may ever be signed with such a key.
function signedBytes(payload: string): Buffer {
  return Buffer.from(`sallyport upstream trust v1\n${payload}`)
}

function isSignedDocument(value: unknown): value is SignedDocument {
  const document = value as Partial<SignedDocument> | null | undefined
  return (
    typeof document === 'object' &&
    document?.format === 1 &&
    [document.keyId, document.payload, document.signature].every((part) => typeof part === 'string')
  )
}
