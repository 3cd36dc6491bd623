import { createHash } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { DocumentList } from '../document-list.ts'
import { isRepeatedInGrace } from './refresh-grace.ts'

export type Documents = DocumentList<AdapterPayload>

export interface AdapterOptions {
  readonly model: string
  readonly documents: Documents
  isGrantLive(grantId: string): Promise<boolean>
  /** Ends a grant and everything that was issued on it. */
  revokeGrant(grantId: string): Promise<void>
  /** How long a document of this model is kept, when its own lifetime does not say. */
  readonly keepMs: number | undefined
  readonly now: () => number
}

/** One model of oidc-provider in the store. Codes are used once, however many ask at once. */
export function createStoreAdapter(options: AdapterOptions): Adapter {
  const { model, documents, isGrantLive, revokeGrant, keepMs, now } = options
  const beingConsumed = new Set<string>()

  /** Whether a refresh token that was exchanged already may be exchanged once more. */
  async function isForgiven(payload: AdapterPayload): Promise<boolean> {
    if (model !== 'RefreshToken') return false
    const entries = await documents.entries()
    const family = entries.map(({ value }) => value).filter(isRelatedTo(payload))
    return isRepeatedInGrace(payload, { family, now: now() })
  }

  async function markConsumed(key: string): Promise<void> {
    const payload = await documents.get(key)
    if (!payload) return
    if (payload.consumed && (await isForgiven(payload))) return
    if (payload.consumed) await refuseReplay(payload)
    const consumed = Math.floor(now() / 1000)
    const expiresAt = payload.exp === undefined ? undefined : payload.exp * 1000
    await documents.put(key, { ...payload, consumed }, expiresAt)
  }

  async function refuseReplay(payload: AdapterPayload): Promise<never> {
    // RFC 6749 4.1.2: what was issued on a code that is used twice should be revoked.
    if (payload.grantId) await revokeGrant(payload.grantId)
    const { errors } = await import('oidc-provider')
    throw new errors.InvalidGrant('already used')
  }

  return {
    async upsert(id, { jti: _, ...payload }, expiresIn) {
      const lifetime = keepMs ?? (expiresIn === undefined ? undefined : expiresIn * 1000)
      const expiresAt = lifetime === undefined ? undefined : now() + lifetime
      await documents.put(hashOf(id), payload, expiresAt)
      if (model !== 'Session') return
      await documents.put(`uid ${hashOf(payload.uid)}`, { jti: id }, expiresAt)
    },
    async find(id) {
      const payload = await documents.get(hashOf(id))
      if (!payload) return undefined
      // The list of grants decides; a command may have revoked this one.
      if (model === 'Grant' && !(await isGrantLive(id))) return undefined
      const { consumed, ...rest } = payload
      const isSpent = consumed && !(await isForgiven(payload))
      return { ...rest, ...(model !== 'Client' && { jti: id }), ...(isSpent && { consumed }) }
    },
    async findByUid(uid) {
      const pointer = await documents.get(`uid ${hashOf(uid)}`)
      return pointer?.jti === undefined ? undefined : this.find(pointer.jti)
    },
    findByUserCode: async () => undefined,
    async consume(id) {
      const key = hashOf(id)
      // Of two requests at the same moment one finds the mark of the other.
      if (beingConsumed.has(key) && model !== 'RefreshToken') {
        await refuseReplay((await documents.get(key)) ?? {})
      }
      beingConsumed.add(key)
      try {
        await markConsumed(key)
      } finally {
        beingConsumed.delete(key)
      }
    },
    async destroy(id) {
      if (model === 'Grant') await revokeGrant(id)
      await documents.remove(hashOf(id))
    },
    revokeByGrantId: (grantId) => removeOfGrant(documents, grantId),
  }
}

/** Removes what was issued on a grant. */
export async function removeOfGrant(documents: Documents, grantId: string): Promise<void> {
  const entries = await documents.entries()
  const members = entries.filter(({ value }) => value.grantId === grantId)
  for (const { key } of members) await documents.remove(key)
}

/** Codes, tokens and session ids are credentials, so the store has only their hashes. */
export function hashOf(id: string | undefined): string {
  return createHash('sha256')
    .update(id ?? '')
    .digest('base64url')
}

function isRelatedTo({ grantId }: AdapterPayload): (other: AdapterPayload) => boolean {
  return (other) => grantId !== undefined && other.grantId === grantId
}
