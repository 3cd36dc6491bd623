import { once } from 'node:events'
import { connect } from 'node:net'
import { UserError } from '../../errors.ts'
import type { AdminAddress } from '../../http/admin/admin-address.ts'
import { readAdminAddress } from '../../http/admin/admin-address.ts'
import { type AdminSessions, createAdminSessions } from '../../http/admin/session.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import type { Output, World } from '../output.ts'
import { withStore } from './with-store.ts'

const connectMs = 2_000

/** Prints the link to the admin page of the gateway in this folder. */
export function admin({ output, process }: World): Promise<number> {
  return withStore({ process }, ({ store }) =>
    runAdmin({
      output,
      sessions: createAdminSessions({ store, now: Date.now }),
      readAddress: () => readAdminAddress(store),
      answers,
    }),
  )
}

/** What `admin` is made of. */
export interface AdminCommandDeps {
  readonly output: Output
  readonly sessions: Pick<AdminSessions, 'issueLink'>
  /** Where the gateway of this folder serves its admin page; undefined when none runs. */
  readonly readAddress: () => Promise<AdminAddress | undefined>
  /** Whether anything listens at an origin. */
  readonly answers: (origin: string) => Promise<boolean>
}

/**
 * Prints the link that opens the admin page once.
 * @throws UserError USAGE when no gateway runs, or none that serves the page
 */
export async function runAdmin(deps: AdminCommandDeps): Promise<number> {
  const { output } = deps
  const address = await deps.readAddress()
  if (address && address.origin === undefined) throw nowhereLocal()
  if (address?.origin === undefined || !(await deps.answers(address.origin))) throw notRunning()
  const { secret, expiresAt } = await deps.sessions.issueLink()
  const url = publicUrls(address.origin).adminLogin(secret)
  output.data({ url, expiresAt })
  output.answer(formatAdminLink(url))
  return 0
}

function notRunning(): UserError {
  return new UserError('USAGE', 'No gateway runs in this folder, so there is no admin page.', {
    hint: 'Start it with `pnpm dev:https`, then run this again in another terminal.',
  })
}

function nowhereLocal(): UserError {
  return new UserError(
    'USAGE',
    'The admin page is served on this machine only, and every listener of the gateway can be reached from elsewhere.',
    { hint: 'Leave HOST at 127.0.0.1; with APP_URL, keep local HTTPS on.' },
  )
}

async function answers(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), timeout: connectMs })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMs) })
    return true
  } catch {
    // Refused: the gateway that left its address behind was killed.
    return false
  } finally {
    socket.destroy()
  }
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
