import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { GatewayEvent } from '../../src/gateway-events.ts'
import { startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { outputOf } from '../fixtures/output-of.ts'
import { childrenOf, isProcessAlive } from '../fixtures/processes.ts'
import { temporaryFolder, until } from './helpers.ts'

const script = new URL('../../scripts/dev-https.ts', import.meta.url).pathname
const own = 'FOO=1\nAPP_URL=http://localhost:5173\n'

/** What two clients have in their files before we come. */
const clientFiles = {
  'home/.cursor/mcp.json':
    '{\n  // mine\n  "mcpServers": { "notes": { "url": "https://notes.test" } }\n}\n',
  'home/.codex/config.toml':
    'model = "o5" # mine\r\n\r\n[mcp_servers.notes]\r\nurl = "https://notes.test"\r\n',
}

type Told<Name extends GatewayEvent['event']> = GatewayEvent & { event: Name }

/** `pnpm dev:https --json` in a project of its own, behind an emulated localtunnel server. */
async function startDev(flags: readonly string[] = []) {
  const edge = await startLocaltunnelServer()
  onTestFinished(() => edge.close())
  const folder = await temporaryFolder()
  const command = 'echo "$APP_URL" >> addresses; exec sleep 300'
  const file = { mcpServers: {}, dev: { processes: [{ name: 'web', command }] } }
  await mkdir(join(folder, 'config'))
  await mkdir(join(folder, 'web'))
  await writeFile(join(folder, 'config/gateway.json'), JSON.stringify(file))
  await writeFile(join(folder, '.env'), own)
  await writeFile(join(folder, 'web/.env.local'), '')
  for (const [path, content] of Object.entries(clientFiles)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }

  const { PATH = '' } = process.env
  const settings = { PORT: '0', HTTPS_PORT: '0', LOCALTUNNEL_HOST: edge.host.origin }
  const files = { SALLYPORT_CA_ROOT: join(folder, 'ca'), APP_URL_FILES: '.env,web/.env.local' }
  const args = ['--json', '--tunnel', 'localtunnel,local', '--allow-anonymous', ...flags]
  const child = spawn(process.execPath, [script, ...args], {
    cwd: folder,
    env: { PATH, ...compileCache, HOME: join(folder, 'home'), ...settings, ...files },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const { out } = outputOf(child)
  const events = () =>
    out()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as GatewayEvent)
  const read = (path: string) => readFile(join(folder, path), 'utf8').catch(() => '')
  return { edge, child, read, until: untilTold(events), events }
}

/** Resolves with the last event of that name, once there is one that satisfies. */
function untilTold(events: () => GatewayEvent[]) {
  return <Name extends GatewayEvent['event']>(
    name: Name,
    satisfies: (event: Told<Name>) => boolean = () => true,
  ): Promise<Told<Name>> => {
    const isWanted = (event: GatewayEvent): event is Told<Name> =>
      event.event === name && satisfies(event as Told<Name>)
    const what = `it tells ${name}`
    return until(() => events().findLast(isWanted), { what }) as Promise<Told<Name>>
  }
}

async function statusOf(origin: string): Promise<number | undefined> {
  return (await fetch(`${origin}/health`).catch(() => undefined))?.status
}

/** What runs below a process. */
function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}

async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code
}

describe.skipIf(process.platform === 'win32')('pnpm dev:https behind a tunnel', () => {
  it('hands a changed address on to files, companions and whoever listens', async () => {
    const dev = await startDev(['--client', 'cursor,codex', '--write', '--undo-on-exit'])
    const { appUrl: before, origins } = await dev.until('ready')
    const local = origins.find((origin) => origin.startsWith('http://localhost')) ?? ''
    await until(async () => (await dev.read('addresses')) === `${before}\n`, {
      what: 'the companion knows the address',
    })
    expect(await dev.read('.env')).toBe(`FOO=1\nAPP_URL=${before}\n`)
    expect(await dev.read('web/.env.local')).toContain(`APP_URL=${before}`)

    const connected = Object.keys(clientFiles)
    const leadTo = (appUrl: string) => async () => {
      const texts = await Promise.all(connected.map(dev.read))
      return texts.every((text) => text.includes(`"${appUrl}/api/mcp/default"`))
    }
    await until(leadTo(before), { what: 'the files of clients lead to the address' })

    // The edge forgets everybody, and somebody else is first to ask for the name.
    const [name = ''] = dev.edge.names()
    await dev.edge.restart()
    await fetch(new URL(name, dev.edge.host))
    const changed = await dev.until('url-changed')
    expect(changed.previousUrl).toBe(before)
    expect(changed.appUrl).not.toBe(before)
    expect(changed.redirectUri).toBe(`${changed.appUrl}/api/oauth/callback`)
    expect(changed.origins[0]).toBe(changed.appUrl)
    await until(async () => (await dev.read('.env')) === `FOO=1\nAPP_URL=${changed.appUrl}\n`, {
      what: '.env follows',
    })
    await until(async () => (await dev.read('addresses')) === `${before}\n${changed.appUrl}\n`, {
      what: 'the companion is started again with the new address',
    })
    expect(await dev.read('web/.env.local')).toContain(`APP_URL=${changed.appUrl}`)
    expect(await dev.read('web/.env.local')).not.toContain(before)
    expect(await statusOf(changed.appUrl)).toBe(200)
    expect(await statusOf(local)).toBe(200)

    await until(leadTo(changed.appUrl), { what: 'the files of clients follow' })
    for (const path of connected) {
      expect(await dev.read(path)).toContain('mine')
      expect(await dev.read(path)).not.toContain(before)
    }
    const written = dev.events().filter((event) => event.event === 'client')
    expect(written.map(({ client }) => client).sort()).toEqual([
      'codex',
      'codex',
      'cursor',
      'cursor',
    ])

    const below = descendantsOf(dev.child.pid ?? 0)
    expect(await stop(dev.child)).toBe(0)
    // The shell that looks after what we leave behind hears of our end, and so ends after us.
    await expect.poll(() => below.filter(isProcessAlive)).toEqual([])
    expect(await dev.read('.env')).toBe(own)
    for (const [path, content] of Object.entries(clientFiles)) {
      expect(await dev.read(path)).toBe(content)
    }
  })

  it('serves again within seconds of waking up, though the edge forgot it meanwhile', async () => {
    const dev = await startDev()
    const { appUrl } = await dev.until('ready')
    const asleep = [dev.child.pid ?? 0, ...descendantsOf(dev.child.pid ?? 0)]
    for (const pid of asleep) process.kill(pid, 'SIGSTOP')
    await dev.edge.restart()
    // A clock that jumps by less than 5 s is no sleep, and it is another process's clock.
    await new Promise((resolve) => setTimeout(resolve, 6_500))
    for (const pid of asleep.reverse()) process.kill(pid, 'SIGCONT')
    const lastUp = () =>
      dev.events().findLast((event) => event.event === 'tunnel' && event.state === 'up')
    await until(
      async () => {
        const up = lastUp() as Told<'tunnel'>
        return (await statusOf(up.publicUrl ?? appUrl)) === 200
      },
      { what: 'the public address serves' },
    )
    expect(await stop(dev.child)).toBe(0)
  })
})
