import type { Store } from '../../store/store.ts'

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
  readonly createdAt: number
}

export interface Grants {
  /** Every grant with the time of its last use. */
  list(): Promise<(GrantRecord & { lastUsedAt: number | undefined })[]>
  remember(record: GrantRecord, expiresAt: number): Promise<void>
  /** Whether the same client was allowed all of this before, by the same person. */
  isRemembered(
    request: Pick<GrantRecord, 'issuer' | 'clientId' | 'profile' | 'scopes' | 'owner'>,
  ): Promise<boolean>
  /** Whether somebody has allowed the client anything that still stands. */
  isKnownClient(issuer: string, clientId: string): Promise<boolean>
  /** Whether a grant stands, which counts as a use of it. */
  isLive(issuer: string, id: string): Promise<boolean>
  /** Ends a grant and with it every token. False when there is no such grant. */
  revoke(id: string): Promise<boolean>
}

/** How long a grant stands. */
export const grantSeconds = 365 * 24 * 3_600
/** Uses are written down at most this often, ms. */
const usePrecisionMs = 60_000

/**
 * The grants of every issuer. A token of a grant that is not in this list is refused, so removing
 * an entry here, also by a command beside the running gateway, ends its tokens at once.
 */
export function createGrants({ store, now }: { store: Store; now: () => number }): Grants {
  const records = 'oauth-grants'
  // Apart, so that noting a use cannot bring back a grant that was revoked meanwhile.
  const uses = 'oauth-grant-uses'
  /** When a use was last written down by us. */
  const noted = new Map<string, number>()
  const lastUse = async (id: string) => (await store.get(uses, id)) as number | undefined
  const find = async (id: string) => (await store.get(records, id)) as GrantRecord | undefined
  const all = async () => (await store.list(records)).map(({ value }) => value as GrantRecord)

  return {
    remember: (record, expiresAt) => store.set(records, record.id, record, { expiresAt }),
    async list() {
      const found = await all()
      return Promise.all(
        found.map(async (record) => ({ ...record, lastUsedAt: await lastUse(record.id) })),
      )
    },
    async isRemembered({ issuer, clientId, profile, scopes, owner }) {
      return (await all()).some(
        (record) =>
          record.issuer === issuer &&
          record.clientId === clientId &&
          record.profile === profile &&
          record.owner === owner &&
          scopes.every((scope) => record.scopes.includes(scope)),
      )
    },
    isKnownClient: async (issuer, clientId) =>
      (await all()).some((record) => record.issuer === issuer && record.clientId === clientId),
    async isLive(issuer, id) {
      const record = await find(id)
      if (record?.issuer !== issuer) return false
      if (now() - (noted.get(id) ?? Number.NEGATIVE_INFINITY) >= usePrecisionMs) {
        noted.set(id, now())
        await store.set(uses, id, now())
      }
      return true
    },
    async revoke(id) {
      const known = (await find(id)) !== undefined
      await store.delete(records, id)
      await store.delete(uses, id)
      noted.delete(id)
      return known
    },
  }
}
