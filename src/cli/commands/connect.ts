import { spawn } from 'node:child_process'
import { loadConfig } from '../../config/load.ts'
import { UserError } from '../../errors.ts'
import { type LoginLinks, readLoginLinks } from '../../gateway/login-links.ts'
import { wait } from '../../lib/clock.ts'
import { ownValue } from '../../lib/objects.ts'
import type { Output, World } from '../output.ts'

/** Logs in to a server that waits for it, at the gateway of this folder. */
export async function connect(server: string, { output, process }: World): Promise<number> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  return runConnect(server, {
    output,
    servers: Object.keys(config.servers),
    readLinks: () => readLoginLinks(config.home),
    openBrowser: (url) => openBrowser(url, process.platform),
    wait,
    patienceMs: 10 * 60_000,
  })
}

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

const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

function openBrowser(url: string, platform: NodeJS.Platform): Promise<boolean> {
  const [command, ...args] = openers[platform] ?? ['xdg-open']
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
