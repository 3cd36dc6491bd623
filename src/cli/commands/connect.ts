import { UserError } from '../../errors.ts'
import type { LoginLinks } from '../../gateway/login-links.ts'
import { ownValue } from '../../lib/objects.ts'
import type { Output } from '../output.ts'

/** What `connect` is made of. */
export interface ConnectDeps {
  readonly output: Output
  readonly servers: readonly string[]
  readonly readLinks: () => Promise<LoginLinks>
  /** Opens a browser; false where there is none to open. */
  readonly openBrowser: (url: string) => Promise<boolean>
  readonly wait: (ms: number) => Promise<void>
  /** How long somebody may take to log in, ms. */
  readonly patienceMs: number
}

const lookEveryMs = 500

/**
 * Logs in to a server that waits for it: opens its link and waits until it is connected.
 * @throws UserError USAGE when the server does not exist or does not wait
 */
export async function runConnect(server: string, deps: ConnectDeps): Promise<number> {
  const { output, servers, readLinks } = deps
  const links = await readLinks()
  const link = ownValue(links, server)
  if (link === undefined) throw notWaiting(server, { servers, waiting: Object.keys(links) })
  output.data({ server, loginUrl: link })
  const opened = await deps.openBrowser(link)
  output.answer(`  ${opened ? 'Opened' : 'Open this in a browser:'}\n  ${link}`)
  for (let waited = 0; waited < deps.patienceMs; waited += lookEveryMs) {
    if (ownValue(await readLinks(), server) === undefined) {
      output.answer(`  ${server} is connected.`)
      return 0
    }
    await deps.wait(lookEveryMs)
  }
  output.talk(`  ${server} still waits. The link is good for an hour.`)
  return 1
}

function notWaiting(
  server: string,
  { servers, waiting }: { servers: readonly string[]; waiting: readonly string[] },
): UserError {
  const name = JSON.stringify(server)
  if (!servers.includes(server)) {
    return new UserError('USAGE', `There is no server ${name}.`, {
      hint: `Servers are ${servers.join(', ')}.`,
    })
  }
  return new UserError('USAGE', `The server ${name} does not wait for a login.`, {
    hint:
      waiting.length > 0
        ? `Waiting are ${waiting.join(', ')}.`
        : 'The gateway must be running (pnpm dev:https), and the server must have asked for one.',
  })
}
