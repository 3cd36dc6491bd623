import type { StoreStatus } from './store-status.ts'
import type { StoreCommand, StoreKind } from './trust-store.ts'

/** Shows commands, asks, and runs them one after the other until one fails. */
export type Change = (commands: readonly StoreCommand[]) => Promise<ChangeOutcome>

/** What the commands themselves said; whether it helped is for the store to tell. */
export type ChangeOutcome = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** A store, and what became of it. */
export interface StoreReport {
  readonly kind: StoreKind
  readonly place: string
  readonly status: StoreStatus
  /** Whether this run changed it. */
  readonly changed: boolean
  /** Why it is not as it was asked for. */
  readonly problem?: string
}
