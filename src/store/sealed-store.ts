import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { UserError } from '../errors.ts'
import type { Documents, Store } from './store.ts'

/**
 * A store whose documents are sealed at rest, each bound to its collection and key. A document that
 * does not open is left as it is, and neither read as absent nor overwritten. `get` and `set` throw
 * UserError STORE_UNUSABLE for it; `delete` removes it.
 */
export function createSealedStore(store: Store, key: SealingKey): Store {
  return {
    ...sealedDocuments(store, key),
    async list(collection, page) {
      const sealed = await store.list(collection, page)
      return sealed.map(({ key: name, value }) => ({
        key: name,
        value: open(key, [collection, name], value),
      }))
    },
    trim: (collection, keep) => store.trim(collection, keep),
    transaction: (task) => store.transaction((documents) => task(sealedDocuments(documents, key))),
    close: () => store.close(),
  }
}

function sealedDocuments(documents: Documents, key: SealingKey): Documents {
  async function get(collection: string, name: string): Promise<unknown> {
    const stored = await documents.get(collection, name)
    return stored === undefined ? undefined : open(key, [collection, name], stored)
  }
  return {
    get,
    async set(collection, name, value, options) {
      // Opening it first keeps a secret of another key from being lost.
      await get(collection, name)
      await documents.set(collection, name, seal(key, [collection, name], value), options)
    },
    delete: (collection, name) => documents.delete(collection, name),
  }
}

function open(key: SealingKey, place: readonly [string, string], stored: unknown): unknown {
  const opened = isSealedBox(stored) ? unseal(key, place, stored) : { ok: false as const }
  if (opened.ok) return opened.value
  const isWrongKey = 'reason' in opened && opened.reason === 'wrong-key'
  throw isWrongKey ? wrongKey(key, place[0]) : brokenSeal(...place)
}

function wrongKey(key: SealingKey, collection: string): UserError {
  return new UserError(
    'STORE_UNUSABLE',
    `The secrets in the state file (${collection}) were sealed with another key than the one from ${key.source}.`,
    {
      hint: 'Put the earlier key file or SALLYPORT_SECRET back; nothing was changed. To start without these secrets, move the state file away.',
    },
  )
}

function brokenSeal(collection: string, name: string): UserError {
  return new UserError(
    'STORE_UNUSABLE',
    `The secret ${JSON.stringify(name)} in the state file (${collection}) was changed or damaged since it was sealed.`,
    { hint: 'Restore the state file from a backup, or move it away; nothing was changed.' },
  )
}

/** A 256-bit key and a short public name for it, so that a wrong key is told from a broken seal. */
export interface SealingKey {
  readonly bytes: Buffer
  readonly id: string
  /** Where the key comes from, for messages: a path, or the name of a variable. */
  readonly source: string
}

/** What is written instead of a secret document: AES-256-GCM, base64url. */
interface SealedBox {
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
type Unsealed = { ok: true; value: unknown } | { ok: false; reason: 'wrong-key' | 'broken' }

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
