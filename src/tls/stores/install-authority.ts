import type { Change, ChangeOutcome, StoreReport } from './change.ts'
import type { InstalledRecord } from './installed-record.ts'
import { type StoreStatus, sameMaker, statusOf } from './store-status.ts'
import type { TrustedAuthority, TrustStore } from './trust-store.ts'

export interface InstallOptions {
  readonly authority: TrustedAuthority
  readonly record: InstalledRecord
  readonly change: Change
}

/**
 * Makes every store trust the authority that does not yet. Each is looked into again afterwards; what
 * the commands returned decides nothing.
 */
export async function installAuthority(
  stores: readonly TrustStore[],
  options: InstallOptions,
): Promise<StoreReport[]> {
  const reports: StoreReport[] = []
  for (const store of stores) {
    const status = await look(store, options)
    if (canChange(status)) {
      const outcome = await options.change(store.install(options.authority))
      reports.push(await lookAgain(store, outcome, options))
    } else reports.push({ ...placeOf(store), status, changed: false })
  }
  return reports
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

function canChange({ state }: StoreStatus): boolean {
  return state === 'not-trusted' || state === 'stale'
}

function placeOf({ kind, place }: TrustStore): Pick<TrustStore, 'kind' | 'place'> {
  return { kind, place }
}
