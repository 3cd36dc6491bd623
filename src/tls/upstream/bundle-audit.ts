import type { Store } from '../../store/store.ts'
import type { AuditEntry } from './upstream-bundles.ts'

const collection = 'upstream-ca-audit'
const keptEntries = 1000

export interface BundleAudit {
  note(entry: AuditEntry): Promise<void>
  /** Newest first. */
  entries(): Promise<AuditEntry[]>
}

/** The changes of bundles, the last 1000. */
export function createBundleAudit(store: Store): BundleAudit {
  const read = async () => ((await store.get(collection, 'log')) ?? []) as AuditEntry[]
  return {
    note: async (entry) =>
      store.set(collection, 'log', [entry, ...(await read())].slice(0, keptEntries)),
    entries: read,
  }
}
