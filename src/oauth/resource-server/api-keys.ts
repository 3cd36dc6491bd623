import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Store } from '../../store/store.ts'

/** An API key as it is listed; the key itself is shown once and never stored. */
export interface ApiKey {
  readonly id: string
  readonly profile: string
  readonly name: string | undefined
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number
  readonly expiresAt: number | undefined
  readonly lastUsedAt: number | undefined
}

export interface ApiKeys {
  /** The only time the key is seen. */
  create(options: {
    profile: string
    name?: string
    expiresInMs?: number
  }): Promise<{ key: string; record: ApiKey }>
  list(): Promise<ApiKey[]>
  /** False when there is no such key. */
  revoke(id: string): Promise<boolean>
  /** The id of a key that is good for the profile, which counts as a use of it. */
  verify(key: string, profile: string): Promise<{ readonly id: string } | undefined>
}

interface Stored extends Omit<ApiKey, 'lastUsedAt' | 'expiresAt' | 'name'> {
  readonly name?: string
  readonly expiresAt?: number
  /** SHA-256 is enough for 256 random bits, which cannot be guessed as a password can. */
  readonly hash: string
}

const keyForm = /^sallyport_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/
/** Uses are written down at most this often, ms. */
const usePrecisionMs = 60_000

/** Whether a bearer token has the form of an API key. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith('sallyport_')
}

/** API keys over the store; the running gateway and a command beside it may both use it. */
export function createApiKeys({ store, now }: { store: Store; now: () => number }): ApiKeys {
  const keys = 'api-keys'
  const find = async (id: string) => (await store.get(keys, id)) as Stored | undefined
  // Apart from the keys, so that noting a use cannot bring back one that was revoked meanwhile.
  const uses = 'api-key-uses'
  /** When a use was last written down by us. */
  const noted = new Map<string, number>()

  async function describe({ hash: _, ...stored }: Stored): Promise<ApiKey> {
    const lastUsedAt = (await store.get(uses, stored.id)) as number | undefined
    return { name: undefined, expiresAt: undefined, ...stored, lastUsedAt }
  }

  async function noteUse(id: string): Promise<void> {
    if (now() - (noted.get(id) ?? Number.NEGATIVE_INFINITY) < usePrecisionMs) return
    noted.set(id, now())
    await store.set(uses, id, now())
  }

  return {
    async create({ profile, name, expiresInMs }) {
      const id = randomBytes(6).toString('hex')
      const key = `sallyport_${id}_${randomBytes(32).toString('base64url')}`
      const createdAt = now()
      const expiresAt = expiresInMs === undefined ? undefined : createdAt + expiresInMs
      const stored: Stored = {
        id,
        profile,
        createdAt,
        hash: hashOf(key),
        ...(name !== undefined && { name }),
        ...(expiresAt !== undefined && { expiresAt }),
      }
      await store.set(keys, id, stored, { expiresAt })
      return { key, record: await describe(stored) }
    },
    async list() {
      const found = await store.list(keys)
      return Promise.all(found.map(({ value }) => describe(value as Stored)))
    },
    async revoke(id) {
      if ((await find(id)) === undefined) return false
      await store.delete(keys, id)
      await store.delete(uses, id)
      noted.delete(id)
      return true
    },
    async verify(key, profile) {
      const id = keyForm.exec(key)?.[1]
      const stored = id === undefined ? undefined : await find(id)
      if (!stored || stored.profile !== profile) return undefined
      if (!timingSafeEqual(Buffer.from(hashOf(key)), Buffer.from(stored.hash))) return undefined
      await noteUse(stored.id)
      return { id: stored.id }
    },
  }
}

function hashOf(key: string): string {
  return hash('sha256', key)
}
