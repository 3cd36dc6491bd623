import type { Change, ChangeOutcome, StoreReport } from './change.ts'
import type { InstalledRecord } from './installed-record.ts'
import { mkcertInstall } from './mkcert-command.ts'
import { type StoreStatus, sameMaker, statusOf } from './store-status.ts'
import type { TrustedAuthority, TrustStore } from './trust-store.ts'

export interface InstallOptions {
  readonly authority: TrustedAuthority
  /** Path of mkcert; undefined when it is not installed. */
  readonly mkcert: string | undefined
  readonly record: InstalledRecord
  readonly change: Change
}

/**
 * Makes every store trust the authority that does not yet: by mkcert where there is one, and what
 * that leaves by the store's own tool. Each store is looked into again afterwards; what the commands
 * returned decides nothing.
 */
export async function installAuthority(
  stores: readonly TrustStore[],
  options: InstallOptions,
): Promise<StoreReport[]> {
  const { authority, mkcert } = options
  const reports = new Map<TrustStore, StoreReport>()
  for (const store of stores) {
    reports.set(store, { ...placeOf(store), status: await look(store, options), changed: false })
  }
  const pending = () => stores.filter((store) => canChange(reports.get(store)?.status))
  const apply = async (changed: readonly TrustStore[], outcome: ChangeOutcome) => {
    for (const store of changed) reports.set(store, await lookAgain(store, outcome, options))
  }
  const first = pending()
  if (mkcert !== undefined && first.length > 0) {
    const kinds = [...new Set(first.map(({ kind }) => kind))]
    await apply(first, await options.change([mkcertInstall(mkcert, { authority, kinds })]))
  }
  for (const store of pending()) {
    await apply([store], await options.change(store.install(authority)))
  }
  return [...reports.values()]
}

/** What each store says of the authority now. */
export async function inspectStores(
  stores: readonly TrustStore[],
  options: Pick<InstallOptions, 'authority'>,
): Promise<StoreReport[]> {
  const reports: StoreReport[] = []
  for (const store of stores) {
    reports.push({ ...placeOf(store), status: await look(store, options), changed: false })
  }
  return reports
}

async function lookAgain(
  store: TrustStore,
  outcome: ChangeOutcome,
  { authority, record }: InstallOptions,
): Promise<StoreReport> {
  const status = await look(store, { authority })
  const changed = status.state === 'trusted'
  if (changed) {
    const { fingerprint256 } = authority.certificate
    await record.add({ fingerprint256, ...placeOf(store) })
    return { ...placeOf(store), status, changed }
  }
  const problem = outcome.ok
    ? 'The commands said nothing is wrong, but the certificate is not there.'
    : outcome.problem
  return { ...placeOf(store), status, changed, problem }
}

async function look(
  store: TrustStore,
  { authority }: Pick<InstallOptions, 'authority'>,
): Promise<StoreStatus> {
  const content = await store.check(sameMaker(authority.certificate))
  return statusOf(content, authority.certificate)
}

function canChange(status: StoreStatus | undefined): boolean {
  return status?.state === 'not-trusted' || status?.state === 'stale'
}

function placeOf({ kind, place }: TrustStore): Pick<TrustStore, 'kind' | 'place'> {
  return { kind, place }
}
