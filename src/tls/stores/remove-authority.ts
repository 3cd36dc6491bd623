import type { Change } from './change.ts'
import type { InstalledEntry, InstalledRecord } from './installed-record.ts'
import type { TrustStore } from './trust-store.ts'

export interface RemovalReport extends InstalledEntry {
  readonly removed: boolean
  readonly problem?: string
}

/**
 * Takes out of the stores what the record says we put there, of earlier authorities too, and nothing
 * else. An entry leaves the record when its store has been looked into and does not hold it.
 */
export async function removeInstalled(
  stores: readonly TrustStore[],
  { record, change }: { record: InstalledRecord; change: Change },
): Promise<RemovalReport[]> {
  const entries = await record.list()
  const reports: RemovalReport[] = []
  for (const store of stores) {
    const ours = entries.filter(({ kind, place }) => kind === store.kind && place === store.place)
    if (ours.length === 0) continue
    const problem = await takeOut(store, { entries: ours, change })
    const left = await fingerprintsIn(store, ours)
    for (const entry of ours) {
      const removed = left !== undefined && !left.has(entry.fingerprint256)
      if (removed) await record.remove(entry)
      reports.push({ ...entry, removed, ...(!removed && { problem: problem ?? stillThere }) })
    }
  }
  return reports
}

const stillThere = 'The commands said nothing is wrong, but the certificate is still there.'

async function takeOut(
  store: TrustStore,
  { entries, change }: { entries: readonly InstalledEntry[]; change: Change },
): Promise<string | undefined> {
  const content = await store.check(concerns(entries))
  if (!content.present) return content.reason
  const found = content.certificates.filter(({ handle }) => handle !== '')
  if (found.length === 0) return undefined
  const outcome = await change(store.remove(found))
  return outcome.ok ? undefined : outcome.problem
}

async function fingerprintsIn(store: TrustStore, entries: readonly InstalledEntry[]) {
  const content = await store.check(concerns(entries))
  return content.present
    ? new Set(content.certificates.map(({ fingerprint256 }) => fingerprint256))
    : undefined
}

function concerns(entries: readonly InstalledEntry[]) {
  const fingerprints = new Set(entries.map(({ fingerprint256 }) => fingerprint256))
  return ({ fingerprint256 }: { fingerprint256: string }) => fingerprints.has(fingerprint256)
}
