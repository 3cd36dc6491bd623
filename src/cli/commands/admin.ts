import { type AdminAddress, readAdminAddress } from '../../http/admin/admin-address.ts'
import { type AdminSessions, createAdminSessions } from '../../http/admin/session.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import type { Output, World } from '../output.ts'
import { ownersOrigin } from './running-gateway.ts'
import { withStore } from './with-store.ts'

/** Prints the link to the admin page of the gateway in this folder. */
export function admin({ output, process }: World): Promise<number> {
  return withStore({ process }, ({ store }) =>
    runAdmin({
      output,
      sessions: createAdminSessions({ store, now: Date.now }),
      readAddress: () => readAdminAddress(store),
    }),
  )
}

/** What `admin` is made of. */
export interface AdminCommandDeps {
  readonly output: Output
  readonly sessions: Pick<AdminSessions, 'issueLink'>
  /** Where the gateway of this folder serves its admin page; undefined when none runs. */
  readonly readAddress: () => Promise<AdminAddress | undefined>
  /** Whether anything listens at an origin; asked of the machine unless given. */
  readonly answers?: (origin: string) => Promise<boolean>
}

/**
 * Prints the link that opens the admin page once.
 * @throws UserError USAGE when no gateway runs, or none that serves the page
 */
export async function runAdmin(deps: AdminCommandDeps): Promise<number> {
  const { output } = deps
  const origin = await ownersOrigin(await deps.readAddress(), deps.answers)
  const { secret, expiresAt } = await deps.sessions.issueLink()
  const url = publicUrls(origin).adminLogin(secret)
  output.data({ url, expiresAt })
  output.answer(formatAdminLink(url))
  return 0
}

/** The link to the admin page, whole on its own line so that it can be followed. */
function formatAdminLink(url: string): string[] {
  return [
    `  ${url}`,
    '',
    '  Open it in a browser on this machine. It works once, within ten minutes; the session it opens',
    '  lasts twelve hours. A newer link ends this one.',
  ]
}
