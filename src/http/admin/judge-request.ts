import { isFromThisMachine } from '../../origin/client-address.ts'
import type { Exposure } from '../../origin/known-origins.ts'
import { isForeignPage, type PageFacts } from '../is-foreign-page.ts'

/** What decides about a request for the admin page or API before its session does. */
export interface AdminRequestFacts extends PageFacts {
  /** Who can reach the listener it came in through. */
  readonly exposure: Exposure
  /** The origin its Host named. */
  readonly origin: string
}

export type AdminVerdict =
  | { readonly ok: true }
  /** `not-local`: it may come from another machine. `foreign-page`: another page sent it. */
  | { readonly ok: false; readonly code: 'NOT_LOCAL' | 'FOREIGN_PAGE' }

/**
 * Judges a request by where it came from. The listener decides; its Host and headers can only make it
 * worse.
 */
export function judgeAdminRequest(facts: AdminRequestFacts): AdminVerdict {
  if (!isFromThisMachine(facts)) return { ok: false, code: 'NOT_LOCAL' }
  const isForeign = isForeignPage(facts, (caller) => caller === facts.origin)
  return isForeign ? { ok: false, code: 'FOREIGN_PAGE' } : { ok: true }
}
