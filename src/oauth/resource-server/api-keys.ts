import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Store } from '../../store/store.ts'
import { createUseNotes } from '../last-use.ts'

/** An API key as it is listed; the key itself is shown once and never stored. */
export interface ApiKey {
  readonly id: string
  readonly profile: string
  readonly name?: string | undefined
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number
  readonly expiresAt?: number | undefined
  readonly lastUsedAt?: number | undefined
}

interface StoredKey extends ApiKey {
  /** SHA-256 is enough for 256 random bits, which cannot be guessed as a password can. */
  readonly hash: string
}

const keyForm = /^sallyport_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

/** Whether a bearer token has the form of an API key. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith('sallyport_')
}

export type ApiKeys = ReturnType<typeof createApiKeys>

/** API keys over the store; the running gateway and a command beside it may both use it. */
export function createApiKeys({ store, now }: { store: Store; now: () => number }) {
  const collection = 'api-keys'
  const noteUse = createUseNotes({ store, collection, now })
  const find = async (id: string) => (await store.get(collection, id)) as StoredKey | undefined

  return {
    /** The only time the key is seen. */
    async create(wanted: { profile: string; name?: string; expiresInMs?: number }) {
      const { profile, name, expiresInMs } = wanted
      const id = randomBytes(6).toString('hex')
      const key = `sallyport_${id}_${randomBytes(32).toString('base64url')}`
      const createdAt = now()
      const expiresAt = expiresInMs === undefined ? undefined : createdAt + expiresInMs
      const record: ApiKey = { id, profile, name, createdAt, expiresAt }
      const stored: StoredKey = { ...record, hash: hash('sha256', key) }
      await store.set(collection, id, stored, { expiresAt })
      return { key, record }
    },
    async list(): Promise<ApiKey[]> {
      const found = await store.list(collection)
      return found.map(({ value }) => {
        const { hash: _, ...key } = value as StoredKey
        return key
      })
    },
    /** False when there is no such key. */
    async revoke(id: string): Promise<boolean> {
      if ((await find(id)) === undefined) return false
      await store.delete(collection, id)
      return true
    },
    /** The id of a key that is good for the profile, which counts as a use of it. */
    async verify(key: string, profile: string): Promise<{ readonly id: string } | undefined> {
      const id = keyForm.exec(key)?.[1]
      const stored = id === undefined ? undefined : await find(id)
      if (!stored || stored.profile !== profile) return undefined
      const given = Buffer.from(hash('sha256', key))
      if (!timingSafeEqual(given, Buffer.from(stored.hash))) return undefined
      await noteUse(stored.id)
      return { id: stored.id }
    },
  }
}
