import type { StoreKind, TrustStore } from './trust-store.ts'

/** Stands for a kind of store this machine does not have, and says why. */
export function createAbsentStore(
  kind: StoreKind,
  options: { place: string; reason: string; hint?: string },
): TrustStore {
  const { place, reason, hint } = options
  return {
    kind,
    place,
    check: async () => ({ present: false, reason, hint }),
    install: () => [],
    remove: () => [],
  }
}
