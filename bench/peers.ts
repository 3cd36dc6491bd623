import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Subject } from './measure.ts'
import { createHome, serverEntry, startProgram } from './programs.ts'

// Others that put a stdio server behind HTTP, from npm in a folder of their own.
const versions = { 'mcp-hub': '4.2.1', supergateway: '4.0.0', 'mcp-proxy': '6.7.19' }

export interface Peers {
  /** Where they are installed. */
  readonly folder: string
}

/** Installs them once; undefined when npm cannot, and why is said. */
export function installPeers(folder: string): Peers | undefined {
  if (existsSync(join(folder, 'node_modules/mcp-proxy'))) return { folder }
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: versions }))
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
    execFileSync('npm', args, {
      cwd: folder,
      stdio: 'inherit',
      shell: process.platform === 'win32',
    })
    return { folder }
  } catch (error) {
    console.error(`  without mcp-hub, supergateway and mcp-proxy: ${(error as Error).message}`)
    return undefined
  }
}

/** Starts each in front of one stdio server of 2025. */
export async function startPeers({ folder }: Peers, command: readonly string[]) {
  const file = (path: string) => join(folder, 'node_modules', path)
  const [hub, gateway, proxy] = await Promise.all([freePort(), freePort(), freePort()])
  const { folder: home } = createHome({ mcpServers: { raw: serverEntry(command) } })
  const config = join(home, 'config/gateway.json')
  const hubArgs = ['--port', `${hub}`, '--config', config]
  const line = command.map((word) => JSON.stringify(word)).join(' ')
  const gatewayArgs = ['--stdio', line, '--outputTransport', 'streamableHttp', '--stateful']
  const started: Omit<Subject, 'calls' | 'base'>[] = []
  const start = async (
    name: keyof typeof versions,
    args: string[],
    rest: { port: number; era: Subject['era']; tool?: string; health: string },
  ) => {
    const { port, health, ...subject } = rest
    try {
      const program = await startProgram(args, { url: `http://127.0.0.1:${port}${health}` })
      const url = new URL(`http://127.0.0.1:${port}/mcp`)
      if (name === 'mcp-hub') await connected(program.url)
      started.push({ name: `${name} ${versions[name]}`, program, url, ...subject })
    } catch (error) {
      console.error(`  without ${name}: ${(error as Error).message}`)
    }
  }
  await start('mcp-hub', [file('mcp-hub/dist/cli.js'), ...hubArgs], {
    port: hub,
    era: 'sse',
    tool: 'raw__echo',
    health: '/api/health',
  })
  await start(
    'supergateway',
    [
      file('supergateway/dist/index.js'),
      ...gatewayArgs,
      '--port',
      `${gateway}`,
      '--logLevel',
      'none',
      '--healthEndpoint',
      '/healthz',
    ],
    { port: gateway, era: 'legacy', health: '/healthz' },
  )
  await start(
    'mcp-proxy',
    [
      file('mcp-proxy/dist/bin/mcp-proxy.mjs'),
      '--port',
      `${proxy}`,
      '--host',
      '127.0.0.1',
      '--server',
      'stream',
      '--',
      ...command,
    ],
    { port: proxy, era: 'legacy', health: '/ping' },
  )
  return started
}

/** mcp-hub answers before its servers are there. */
async function connected(health: URL): Promise<void> {
  for (;;) {
    const text = await (await fetch(health)).text()
    if (text.includes('"connected"')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
