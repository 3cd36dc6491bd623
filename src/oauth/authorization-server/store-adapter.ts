import { createHash } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Store } from '../../store/store.ts'
import { oauthPaths } from '../oauth-urls.ts'
import { isRepeatedInGrace } from './refresh-grace.ts'

export interface AdapterOptions {
  readonly model: string
  readonly issuer: string
  readonly store: Store
  readonly collection: string
  isGrantLive(grantId: string): Promise<boolean>
  /** Ends a grant and everything that was issued on it. */
  revokeGrant(grantId: string): Promise<void>
  /** Removes the documents of this model that were issued on a grant. */
  removeOfGrant(grantId: string): Promise<void>
  readonly now: () => number
}

/** What anybody may begin is bounded: beyond it the one that ends first gives way. */
const maxBegun = 500

/** One model of oidc-provider in the store. Codes are used once, however many ask at once. */
export function createStoreAdapter(options: AdapterOptions): Adapter {
  const { model, store, collection, isGrantLive, revokeGrant, removeOfGrant, now } = options
  const isBegunByAnybody = model === 'Interaction' || model === 'Session'
  /** Where the keys of sessions stand under their second name. */
  const uids = `${collection}Uid`
  const beingConsumed = new Set<string>()
  const get = async (key: string) =>
    (await store.get(collection, key)) as AdapterPayload | undefined

  /** Whether a refresh token that was exchanged already may be exchanged once more. */
  async function isForgiven(payload: AdapterPayload): Promise<boolean> {
    if (model !== 'RefreshToken' || payload.grantId === undefined) return false
    const tokens = (await store.list(collection)).map(({ value }) => value as AdapterPayload)
    const family = tokens.filter(({ grantId }) => grantId === payload.grantId)
    return isRepeatedInGrace(payload, { family, now: now() })
  }

  async function markConsumed(key: string): Promise<void> {
    const payload = await get(key)
    if (!payload) return
    if (payload.consumed && (await isForgiven(payload))) return
    if (payload.consumed) await refuseReplay(payload)
    const consumed = Math.floor(now() / 1000)
    const expiresAt = payload.exp === undefined ? undefined : payload.exp * 1000
    await store.set(collection, key, { ...payload, consumed }, { expiresAt })
  }

  async function refuseReplay(payload: AdapterPayload): Promise<never> {
    // RFC 6749 4.1.2: what was issued on a code that is used twice should be revoked.
    if (payload.grantId) await revokeGrant(payload.grantId)
    const { errors } = await import('oidc-provider')
    throw new errors.InvalidGrant('already used')
  }

  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn === undefined ? undefined : now() + expiresIn * 1000
      const key = hashOf(id)
      await put(collection, key, withoutIds(payload))
      if (model === 'Session') await put(uids, hashOf(payload.uid), key)

      async function put(where: string, name: string, value: unknown): Promise<void> {
        await store.set(where, name, value, { expiresAt })
        if (isBegunByAnybody) await store.trim(where, maxBegun)
      }
    },
    async find(id) {
      const payload = await get(hashOf(id))
      if (!payload) return undefined
      // The list of grants decides; a command may have revoked this one.
      if (model === 'Grant' && !(await isGrantLive(id))) return undefined
      const { consumed, ...rest } = payload
      const isSpent = consumed && !(await isForgiven(payload))
      return {
        ...rest,
        ...(model !== 'Client' && { jti: id }),
        ...(model === 'Interaction' && { returnTo: returnAddress(options.issuer, id) }),
        ...(isSpent && { consumed }),
      }
    },
    async findByUid(uid) {
      const key = await store.get(uids, hashOf(uid))
      // Who the session belongs to is all that is asked; its id is known to its browser alone.
      return typeof key === 'string' ? get(key) : undefined
    },
    findByUserCode: async () => undefined,
    async consume(id) {
      const key = hashOf(id)
      // Of two requests at the same moment one finds the mark of the other.
      if (beingConsumed.has(key) && model !== 'RefreshToken') {
        await refuseReplay((await get(key)) ?? {})
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
      await store.delete(collection, hashOf(id))
    },
    revokeByGrantId: removeOfGrant,
  }
}

/** Codes, tokens, session ids and client secrets are credentials: the store has only their hashes. */
export function hashOf(id: string | undefined): string {
  return createHash('sha256')
    .update(id ?? '')
    .digest('base64url')
}

/** The same without its own id, and the ids that are written in it. */
function withoutIds({ jti: _, returnTo: __, session, ...payload }: AdapterPayload): AdapterPayload {
  if (session === undefined) return payload
  const { cookie: ___, ...rest } = session as unknown as Record<string, unknown>
  return { ...payload, session: rest } as AdapterPayload
}

function returnAddress(issuer: string, interaction: string): string {
  return `${issuer}${oauthPaths.authorize}/${interaction}`
}
