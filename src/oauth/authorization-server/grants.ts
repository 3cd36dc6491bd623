import type { Store } from '../../store/store.ts'
import { createUseNotes } from '../last-use.ts'

/** What the owner allowed a client to do, as it is listed. */
export interface GrantRecord {
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  readonly clientName: string
  readonly redirectHost: string
  readonly profile: string
  readonly scopes: readonly string[]
  /** Who allowed it: `owner` at the terminal, or the name somebody signed in with. */
  readonly owner: string
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly lastUsedAt?: number
}

/** How long a grant stands. */
export const grantSeconds = 365 * 24 * 3_600

export type Grants = ReturnType<typeof createGrants>

/**
 * The grants of every issuer. A token of a grant that is not in this list is refused, so removing
 * an entry here, also by a command beside the running gateway, ends its tokens at once.
 */
export function createGrants({ store, now }: { store: Store; now: () => number }) {
  const collection = 'grants'
  const noteUse = createUseNotes({ store, collection, now })
  const find = async (id: string) => (await store.get(collection, id)) as GrantRecord | undefined
  const list = async () => (await store.list(collection)).map(({ value }) => value as GrantRecord)

  return {
    list,
    remember: async (grant: Omit<GrantRecord, 'createdAt' | 'expiresAt'>): Promise<void> => {
      const createdAt = now()
      const record: GrantRecord = {
        ...grant,
        createdAt,
        expiresAt: createdAt + grantSeconds * 1000,
      }
      await store.set(collection, grant.id, record, record)
    },
    /** Whether the same client was allowed all of this before, by the same person. */
    async isRemembered(
      asked: Pick<GrantRecord, 'issuer' | 'clientId' | 'profile' | 'scopes' | 'owner'>,
    ): Promise<boolean> {
      return (await list()).some(
        (grant) =>
          grant.issuer === asked.issuer &&
          grant.clientId === asked.clientId &&
          grant.profile === asked.profile &&
          grant.owner === asked.owner &&
          asked.scopes.every((scope) => grant.scopes.includes(scope)),
      )
    },
    /** Whether somebody has allowed the client anything that still stands. */
    isKnownClient: async (issuer: string, clientId: string): Promise<boolean> =>
      (await list()).some((grant) => grant.issuer === issuer && grant.clientId === clientId),
    /** Whether a grant stands, which counts as a use of it. */
    async isLive(issuer: string, id: string): Promise<boolean> {
      if ((await find(id))?.issuer !== issuer) return false
      await noteUse(id)
      return true
    },
    /** Ends a grant and with it every token. False when there is no such grant. */
    async revoke(id: string): Promise<boolean> {
      const isKnown = (await find(id)) !== undefined
      await store.delete(collection, id)
      return isKnown
    },
  }
}
