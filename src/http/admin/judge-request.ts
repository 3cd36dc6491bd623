import { isFromThisMachine } from '../../origin/client-address.ts'
import type { Exposure } from '../../origin/known-origins.ts'

/** What decides about a request for the admin page or API before its session does. */
export interface AdminRequestFacts {
  readonly method: string
  /** Who can reach the listener it came in through. */
  readonly exposure: Exposure
  /** The origin its Host named. */
  readonly origin: string
  /** One header by its lower-case name. */
  readonly header: (name: string) => string | undefined
}

export type AdminVerdict =
  | { readonly ok: true }
  /** `not-local`: it may come from another machine. `foreign-page`: another page sent it. */
  | { readonly ok: false; readonly code: 'NOT_LOCAL' | 'FOREIGN_PAGE' }

/**
 * Judges a request by where it came from. The listener decides; its Host and headers can only make it
 * worse. Every port of this machine is the same site to a browser, so SameSite alone keeps out no page
 * of another local server.
 */
export function judgeAdminRequest(facts: AdminRequestFacts): AdminVerdict {
  const { header, origin } = facts
  if (!isFromThisMachine(facts)) return { ok: false, code: 'NOT_LOCAL' }
  const caller = header('origin')
  if (caller !== undefined && caller !== origin) return { ok: false, code: 'FOREIGN_PAGE' }
  return isFromOwnPage(facts) ? { ok: true } : { ok: false, code: 'FOREIGN_PAGE' }
}

/** W3C Fetch Metadata 2.3. Programs that are no browsers send none of it. */
function isFromOwnPage({ method, header }: AdminRequestFacts): boolean {
  const site = header('sec-fetch-site')
  if (site === undefined || site === 'same-origin') return true
  // Somebody follows a link, or types the address.
  const isVisit = method === 'GET' && header('sec-fetch-mode') === 'navigate'
  return isVisit && header('sec-fetch-dest') === 'document'
}
