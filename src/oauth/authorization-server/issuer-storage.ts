import { hash } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Documents, Store } from '../../store/store.ts'
import { oauthPaths } from '../oauth-urls.ts'
import type { Grants } from './grants.ts'

const day = 24 * 3_600_000
/** A registration that nobody approves is forgotten, or gives way to newer ones. */
const unapprovedClientMs = 7 * day
const approvedClientMs = 400 * day
/** What anybody may begin is bounded: beyond it the one that ends first gives way. */
const maxBegun = 500
const maxNewClients = 500
/** How long a refresh token that was exchanged already may be exchanged once more, ms. */
const graceMs = 30_000

interface IssuerStorageOptions {
  readonly store: Store
  readonly issuer: string
  readonly grants: Pick<Grants, 'revoke' | 'isLive'>
  readonly now: () => number
}

export type IssuerStorage = ReturnType<typeof createIssuerStorage>

/** What one issuer keeps: clients, sessions, codes, tokens. Issuers see nothing of each other. */
export function createIssuerStorage(options: IssuerStorageOptions) {
  const { store, issuer, now } = options
  const [kept, added] = [collectionOf(issuer, 'Client'), collectionOf(issuer, 'NewClient')]

  /** Those that nobody has approved stand apart: there they are bounded, and the oldest gives way. */
  function createClientAdapter(): Adapter {
    const approved = createAdapter('Client', options)
    return {
      ...approved,
      find: async (id) =>
        (await approved.find(id)) ?? ((await store.get(added, hashOf(id))) as AdapterPayload),
      async upsert(id, { client_secret, ...payload }) {
        const secret = client_secret !== undefined && { client_secret: hashOf(client_secret) }
        const expiresAt = now() + unapprovedClientMs
        await store.set(added, hashOf(id), { ...payload, ...secret }, { expiresAt })
        await store.trim(added, maxNewClients)
      },
    }
  }

  return {
    /** The port that oidc-provider reads and writes through. */
    adapter: (model: string): Adapter =>
      model === 'Client' ? createClientAdapter() : createAdapter(model, options),
    /** A client the owner has approved is kept for long, and gives way to none. */
    keepClient: (clientId: string): Promise<void> =>
      store.transaction(async (documents) => {
        const key = hashOf(clientId)
        const client = (await documents.get(added, key)) ?? (await documents.get(kept, key))
        // A client that is identified by its metadata document is not stored.
        if (client === undefined) return
        await documents.set(kept, key, client, { expiresAt: now() + approvedClientMs })
        await documents.delete(added, key)
      }),
    /** Ends the session of a browser, so that it can begin another as somebody else. */
    async endSession(uid: string): Promise<void> {
      const key = await store.get(collectionOf(issuer, 'SessionUid'), hashOf(uid))
      if (typeof key === 'string') await store.delete(collectionOf(issuer, 'Session'), key)
    },
  }
}

/** One model of oidc-provider in the store. */
function createAdapter(model: string, options: IssuerStorageOptions): Adapter {
  const { store, issuer, grants, now } = options
  const collection = collectionOf(issuer, model)
  const isBegunByAnybody = model === 'Interaction' || model === 'Session'
  /** Where the keys of sessions stand under their second name. */
  const uids = collectionOf(issuer, 'SessionUid')
  /** How far the refresh tokens of each grant were used. */
  const families = collectionOf(issuer, 'RefreshFamily')

  const read = async (documents: Documents, key: string) =>
    (await documents.get(collection, key)) as AdapterPayload | undefined

  async function isForgiven(payload: AdapterPayload, documents: Documents): Promise<boolean> {
    if (model !== 'RefreshToken' || payload.grantId === undefined) return false
    const newestUsed = await documents.get(families, payload.grantId)
    return isRepeatedInGrace(payload, { newestUsed, now: now() })
  }

  async function markUsed(payload: AdapterPayload, key: string, documents: Documents) {
    const expiresAt = payload.exp === undefined ? undefined : payload.exp * 1000
    const consumed = Math.floor(now() / 1000)
    await documents.set(collection, key, { ...payload, consumed }, { expiresAt })
    if (model === 'RefreshToken' && payload.grantId !== undefined) {
      await documents.set(families, payload.grantId, rotationsOf(payload), { expiresAt })
    }
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
      const payload = await read(store, hashOf(id))
      if (!payload) return undefined
      // The list of grants decides; a command may have revoked this one.
      if (model === 'Grant' && !(await grants.isLive(issuer, id))) return undefined
      const { consumed, ...rest } = payload
      const isSpent = consumed && !(await isForgiven(payload, store))
      return {
        ...rest,
        ...(model !== 'Client' && { jti: id }),
        ...(model === 'Interaction' && { returnTo: `${issuer}${oauthPaths.authorize}/${id}` }),
        ...(isSpent && { consumed }),
      }
    },
    async findByUid(uid) {
      const key = await store.get(uids, hashOf(uid))
      // Who the session belongs to is all that is asked; its id is known to its browser alone.
      return typeof key === 'string' ? read(store, key) : undefined
    },
    findByUserCode: async () => undefined,
    /** Codes are used once, however many ask at once, and whichever gateway. */
    async consume(id) {
      const key = hashOf(id)
      const replayed = await store.transaction(async (documents) => {
        const payload = await read(documents, key)
        if (!payload) return {}
        if (payload.consumed) return (await isForgiven(payload, documents)) ? undefined : payload
        await markUsed(payload, key, documents)
        return undefined
      })
      if (!replayed) return
      // RFC 6749 4.1.2: what was issued on a code that is used twice should be revoked.
      if (replayed.grantId) await grants.revoke(replayed.grantId)
      const { errors } = await import('oidc-provider')
      throw new errors.InvalidGrant('already used')
    },
    async destroy(id) {
      if (model === 'Grant') await grants.revoke(id)
      await store.delete(collection, hashOf(id))
    },
    // With a grant ends what was issued on it, whatever is left of that in the store.
    revokeByGrantId: async (grantId) => {
      await grants.revoke(grantId)
    },
  }
}

function collectionOf(issuer: string, model: string): string {
  return `oauth:${issuer}:${model}`
}

/** Codes, tokens, session ids and client secrets are credentials: the store has only their hashes. */
export function hashOf(id: string | undefined): string {
  return hash('sha256', id ?? '', 'base64url')
}

/** The same without its own id, and the ids that are written in it. */
function withoutIds({ jti: _, returnTo: __, session, ...payload }: AdapterPayload): AdapterPayload {
  if (session === undefined) return payload
  const { cookie: ___, ...rest } = session as unknown as Record<string, unknown>
  return { ...payload, session: rest } as AdapterPayload
}

/**
 * Whether a refresh token that was exchanged already may be exchanged once more: within 30 seconds,
 * and as long as none of those that replaced it was used. Then the answer was lost, or two
 * processes of one client refreshed at once; otherwise somebody else has the token, and RFC 9700
 * section 4.14.2 has the whole family revoked.
 */
function isRepeatedInGrace(
  token: AdapterPayload,
  { newestUsed, now }: { newestUsed: unknown; now: number },
): boolean {
  if (typeof token.consumed !== 'number' || now - token.consumed * 1000 > graceMs) return false
  return Number(newestUsed) <= rotationsOf(token)
}

/** How many rotations lie between a refresh token and the first of its family. */
function rotationsOf({ rotations }: AdapterPayload): number {
  return typeof rotations === 'number' ? rotations : 0
}
