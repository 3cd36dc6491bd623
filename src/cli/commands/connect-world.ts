import { spawn } from 'node:child_process'
import { loadConfig } from '../../config/load.ts'
import { readLoginLinks } from '../../gateway/login-links.ts'
import { wait } from '../../lib/clock.ts'
import type { CommandWorld } from '../command-world.ts'
import type { ConnectDeps } from './connect.ts'

/** What `connect` is made of in the real world. */
export async function createConnectDeps({ output, process }: CommandWorld): Promise<ConnectDeps> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  return {
    output,
    servers: Object.keys(config.servers),
    readLinks: () => readLoginLinks(config.home),
    openBrowser: (url) => openBrowser(url, process.platform),
    wait,
    patienceMs: 10 * 60_000,
  }
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
