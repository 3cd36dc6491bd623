import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** A 256-bit key and a short public name for it, so that a wrong key is told from a broken seal. */
export interface SealingKey {
  readonly bytes: Buffer
  readonly id: string
  /** Where the key comes from, for messages: a path, or the name of a variable. */
  readonly source: string
}

/** What is written instead of a secret document: AES-256-GCM, base64url. */
export interface SealedBox {
  readonly sealed: 1
  readonly keyId: string
  readonly iv: string
  readonly tag: string
  readonly data: string
}

export function createSealingKey(bytes: Buffer, source: string): SealingKey {
  const id = createHash('sha256').update('sallyport key id').update(bytes).digest('hex')
  return { bytes, source, id: id.slice(0, 12) }
}

/** Seals `value`; it opens only with the same key and the same `place`. */
export function seal(key: SealingKey, place: readonly string[], value: unknown): SealedBox {
  // NIST SP 800-38D 8.2.2: 96 random bits are safe for 2^32 seals under one key.
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key.bytes, iv).setAAD(boundTo(place))
  const data = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
  return {
    sealed: 1,
    keyId: key.id,
    iv: iv.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
    data: data.toString('base64url'),
  }
}

/** The value, or why it cannot be had. */
export type Unsealed = { ok: true; value: unknown } | { ok: false; reason: 'wrong-key' | 'broken' }

export function unseal(key: SealingKey, place: readonly string[], box: SealedBox): Unsealed {
  if (box.keyId !== key.id) return { ok: false, reason: 'wrong-key' }
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, fromText(box.iv), {
      authTagLength: 16,
    })
      .setAAD(boundTo(place))
      .setAuthTag(fromText(box.tag))
    const text = Buffer.concat([decipher.update(fromText(box.data)), decipher.final()])
    return { ok: true, value: JSON.parse(text.toString('utf8')) }
  } catch {
    // GCM says no more than this: the key, the place or a byte is not the one it was sealed with.
    return { ok: false, reason: 'broken' }
  }
}

export function isSealedBox(value: unknown): value is SealedBox {
  const box = value as Partial<SealedBox> | null | undefined
  return (
    typeof box === 'object' &&
    box?.sealed === 1 &&
    [box.keyId, box.iv, box.tag, box.data].every((part) => typeof part === 'string')
  )
}

function boundTo(place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(['sallyport', 1, ...place]))
}

function fromText(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
