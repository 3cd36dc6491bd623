import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { takeInstanceLock } from '../../../src/config/instance-lock.ts'
import { gateway, ports } from '../../../src/doctor/checks/gateway.ts'
import { tunnelName, wantedNames } from '../../../src/doctor/checks/tunnel.ts'
import { publicOriginOf } from '../../../src/doctor/find-gateway.ts'
import { processIdentity } from '../../../src/lib/process-ledger.ts'
import { temporaryFolder, until } from '../../cli/helpers.ts'
import { freePort, noTunnels, stdioFixture } from '../../fixtures/gateway.ts'
import { say, servePlainly, startLab, worldOf } from '../lab.ts'

/** The world of a folder where nothing runs, with ports of its own. */
async function quiet(env: Record<string, string> = {}) {
  const projectDir = await temporaryFolder()
  await mkdir(join(projectDir, 'config'))
  await mkdir(join(projectDir, '.sallyport'))
  await writeFile(join(projectDir, 'config/gateway.json'), '{"mcpServers":{}}')
  const PORT = String(await freePort())
  const HTTPS_PORT = String(await freePort())
  return { projectDir, env: { PORT, HTTPS_PORT, ...env } }
}

describe('the check of ports', () => {
  it('says which are free', async () => {
    const options = await quiet()
    expect(await say(ports, await worldOf(options))).toEqual([
      `ok: Port ${options.env.HTTPS_PORT} (HTTPS_PORT) is free.`,
      `ok: Port ${options.env.PORT} (PORT) is free.`,
    ])
  })

  it('knows the ports of the gateway that runs here', async () => {
    const lab = await startLab()
    const { httpPort, httpsPort } = lab.config.listen
    expect(await say(ports, await lab.world())).toEqual([
      `ok: Port ${httpsPort} (HTTPS_PORT) is the gateway's.`,
      `ok: Port ${httpPort} (PORT) is the gateway's.`,
    ])
  })

  it('names the program that holds a port, and one that is free', async () => {
    const port = await servePlainly((_request, response) => void response.end('hi'))
    const options = await quiet({ PORT: String(port) })
    const [, line] = await say(ports, await worldOf(options))
    expect(line).toMatch(
      new RegExp(
        `^warn: Port ${port} \\(PORT\\) is taken by .+, so the gateway would use another\\.`,
      ),
    )
    expect(line).toMatch(/-> PORT=\d+ pnpm dev:https$/)
    if (process.platform === 'linux') expect(line).toContain(`(pid ${process.pid})`)
  })

  it('recognises the gateway of another folder that holds it', async () => {
    const other = await startLab()
    const options = await quiet({ PORT: String(other.config.listen.httpPort) })
    const [, line] = await say(ports, await worldOf(options))
    expect(line).toContain('is taken by another Sallyport gateway')
  })
})

describe('the check of the gateway', () => {
  it('says that none runs', async () => {
    expect(await say(gateway, await worldOf(await quiet()))).toEqual([
      'ok: No gateway runs in this folder, so only what stands still was looked at.',
    ])
  })

  it('says where it runs, and with which profiles', async () => {
    const lab = await startLab({ profiles: { work: {} } })
    const { appUrl, version } = lab.gateway.status()
    expect(await say(gateway, await lab.world())).toEqual([
      `ok: Sallyport ${version} runs at ${appUrl} (process ${process.pid}) with profiles default and work.`,
    ])
  })

  it('says what a server of it does not answer', async () => {
    const error = { code: -32603, message: 'the database is down' }
    const initialize = { capabilities: { tools: {}, prompts: {} } }
    const script = JSON.stringify({ initialize, 'prompts/list': { error } })
    const lab = await startLab({ servers: { one: stdioFixture('scripted-stdio.ts', [script]) } })
    const problems = () => lab.gateway.status().profiles[0]?.problems ?? []
    await until(() => problems().length > 0, { what: 'the list was asked for' })
    expect(await say(gateway, await lab.world())).toContain(
      'warn: "one" does not answer prompts/list: the database is down -> Correct the server, or what the profile shows of it.',
    )
  })

  it('knows one that listens beyond this machine, and so lists no profiles', async () => {
    const [httpPort, httpsPort] = [await freePort(), await freePort()]
    const listen = { host: '0.0.0.0', httpPort, httpsPort, strictPort: true }
    const lab = await startLab({ profiles: { work: {} }, config: { listen } })
    const [line] = await say(gateway, await lab.world())
    expect(line).toMatch(/^ok: Sallyport .* runs at .* with profiles default and work\.$/)
  })

  it('tells one that does not answer from one that is still starting', async () => {
    const options = await quiet()
    const lock = await takeInstanceLock(join(options.projectDir, '.sallyport'))
    onTestFinished(lock.release)
    expect(await say(gateway, await worldOf(options))).toEqual([
      `warn: The gateway (process ${process.pid}) is still starting. -> pnpm sallyport doctor`,
    ])
    const origin = `http://localhost:${options.env.PORT}`
    await lock.announce(origin, [origin, `http://127.0.0.1:${options.env.PORT}`])
    expect(await say(gateway, await worldOf(options))).toEqual([
      `fail: The gateway (process ${process.pid}) runs but does not answer. -> kill -9 ${process.pid}`,
    ])
  })

  it('sees what a run that was killed left behind', async () => {
    const options = await quiet()
    const home = join(options.projectDir, '.sallyport')
    const child = spawn('sleep', ['60'])
    onTestFinished(() => void child.kill('SIGKILL'))
    const pid = child.pid ?? 0
    const started = await until(() => processIdentity(pid), { what: 'the child runs' })
    const gone = { pid, started: 'another time' }
    await writeFile(join(home, 'processes.json'), JSON.stringify([{ pid, started }, gone]))
    await writeFile(join(home, 'gateway.lock'), JSON.stringify({ pid, started: 'x', token: 'x' }))
    expect(await say(gateway, await worldOf(options))).toEqual([
      'warn: The gateway that ran in this folder did not end properly; the next start cleans up. -> pnpm dev:https',
      `warn: A process of a gateway that was killed still runs (${pid}); the next start ends what is left. -> pnpm dev:https`,
    ])
    expect(child.exitCode).toBeNull()
  })
})

describe('the check of tunnel names', () => {
  it('finds the addresses that settings ask for', () => {
    const tunnels = {
      ...noTunnels,
      localtunnel: { host: 'https://loca.lt', subdomain: 'otter' },
      ngrok: { ...noTunnels.ngrok, authtoken: 'x', domain: 'https://otter.ngrok.app/' },
      cloudflare: { ...noTunnels.cloudflare, name: 'otter', hostname: 'mcp.example.com' },
    }
    expect(wantedNames({ tunnels }).map(({ origin }) => origin)).toEqual([
      'https://otter.loca.lt',
      'https://otter.ngrok.app',
      'https://mcp.example.com',
    ])
    expect(wantedNames({ tunnels: noTunnels })).toEqual([])
  })

  it('sees that another gateway is served under that name', async () => {
    const other = await startLab()
    const { httpPort } = other.config.listen
    const name = {
      LOCALTUNNEL_HOST: `http://localhost:${httpPort}`,
      LOCALTUNNEL_SUBDOMAIN: 'otter',
    }
    const world = await worldOf(await quiet(name), {
      // The name would lead to the service; here the other gateway is the service.
      ask: async (url) => {
        const asked = new URL(url)
        expect(asked.hostname).toBe('otter.localhost')
        asked.hostname = 'localhost'
        return (await other.world()).ask(asked.href)
      },
    })
    expect(await say(tunnelName, world)).toEqual([
      `warn: http://otter.localhost:${httpPort} (LOCALTUNNEL_SUBDOMAIN) is served by another Sallyport gateway, which has the name this one asks for. -> Stop the other gateway, or choose another name in LOCALTUNNEL_SUBDOMAIN.`,
    ])
  })

  it('says nothing of a name that nobody has', async () => {
    const name = { LOCALTUNNEL_HOST: 'http://localhost:9', LOCALTUNNEL_SUBDOMAIN: 'otter' }
    expect(await say(tunnelName, await worldOf(await quiet(name)))).toEqual([])
  })
})

describe('the public address of a gateway', () => {
  const local = ['https://localhost:3443', 'https://127.0.0.1:3443', 'http://localhost:3001']

  it.each([
    ['https://localhost:3443', local, undefined],
    ['http://localhost:3001', ['http://localhost:3001', 'http://127.0.0.1:3001'], undefined],
    ['https://192.168.1.5:3443', ['https://192.168.1.5:3443'], undefined],
    ['https://otter.loca.lt', ['https://otter.loca.lt', ...local], 'https://otter.loca.lt'],
    ['https://localhost:4000', ['https://localhost:4000', ...local], 'https://localhost:4000'],
  ])('of %s among %j is %s', (address, origins, expected) => {
    expect(publicOriginOf(address, origins)).toBe(expected)
  })
})
