import type { Store } from '../../store/store.ts'

const place = ['admin', 'address'] as const

/** Where the admin page of a running gateway is; no origin when each listener can be reached from elsewhere. */
export interface AdminAddress {
  readonly origin: string | undefined
}

/** Lets commands beside the gateway know; the returned function takes it back. */
export async function announceAdminAddress(
  store: Store,
  address: AdminAddress,
): Promise<() => Promise<void>> {
  await store.set(...place, address)
  return () => store.delete(...place)
}

/** Undefined when no gateway runs. One that was killed may have left its address behind. */
export async function readAdminAddress(store: Store): Promise<AdminAddress | undefined> {
  return (await store.get(...place)) as AdminAddress | undefined
}
