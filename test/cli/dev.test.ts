import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { runDev } from '../../src/cli/commands/dev.ts'
import type { DevWorld } from '../../src/cli/commands/dev-world.ts'
import { createOutput } from '../../src/cli/output.ts'
import type { GatewayFile, ResolvedConfig } from '../../src/config/resolved-config.ts'
import type { WatchConfigOptions } from '../../src/config/watch.ts'
import { UserError } from '../../src/errors.ts'
import { createFakeGateway, readyEvent } from './fake-gateway.ts'
import { until } from './helpers.ts'

const web = { name: 'web', command: 'web', cwd: '/p', env: {} }

type FakeProcess = EventEmitter & { env: Record<string, string>; stdin: { isTTY: boolean } }

function setup(
  options: Parameters<typeof createFakeGateway>[0] & { world?: Partial<DevWorld> } = {},
) {
  const calls: string[] = []
  const gateway = createFakeGateway(options)
  const process: FakeProcess = Object.assign(new EventEmitter(), {
    env: {},
    stdin: { isTTY: true },
  })
  const [stdout, stderr] = [new PassThrough(), new PassThrough()].map((stream) =>
    stream.setEncoding('utf8'),
  ) as [PassThrough, PassThrough]
  let watching: WatchConfigOptions | undefined
  let time = 0
  const next = { processes: [{ ...web, name: 'other' }] } as unknown as GatewayFile
  const world: DevWorld = {
    output: createOutput({ stdout, stderr, env: {}, json: true }),
    process: process as unknown as NodeJS.Process,
    stdin: { closed: new Promise(() => {}), release() {} },
    input: Object.assign(new EventEmitter(), { resume() {}, pause() {} }),
    platform: 'linux',
    now: () => time,
    keys: false,
    loadConfig: async () => ({
      config: {
        configFile: '/p/config/gateway.json',
        projectDir: '/p',
        home: '/p/.sallyport',
        logLevel: 'silent',
        debugSsl: false,
        listen: { host: '127.0.0.1' },
        processes: [web],
      } as unknown as ResolvedConfig,
      warnings: ['Something is odd.'],
    }),
    reloadGatewayFile: async () => next,
    async watchConfig(_config, watchOptions) {
      watching = watchOptions
    },
    async takeInstanceLock() {
      calls.push('lock')
      return {
        announce: async (address) => void calls.push(`announce ${address}`),
        release: () => void calls.push('release'),
      }
    },
    async startGateway(gatewayOptions) {
      calls.push('start')
      const started = await gateway.start(gatewayOptions)
      return {
        ...started,
        async close() {
          calls.push('close')
          await started.close()
        },
      }
    },
    openAppUrlFiles: () => ({
      async recover() {
        calls.push('recover')
        return { state: 'recovered', files: [{ path: '/p/.env', outcome: 'restored' }] }
      },
      set: async (url) => void calls.push(`set ${url}`),
      async restore() {
        calls.push('restore')
        return []
      },
    }),
    createCompanions: () => ({
      restart: async (processes, url) =>
        void calls.push(`companions ${processes.map(({ name }) => name)} ${url}`),
      stop: async () => void calls.push('stop companions'),
      kill: () => void calls.push('kill companions'),
    }),
    describeSigner: async () => 'signed by a test',
    examine: async () => ({ findings: [], summary: { ok: 0, warn: 0, fail: 0 } }),
    stopDeadlineMs: 5000,
    clients: undefined,
    ...options.world,
  }
  const events: Record<string, unknown>[] = []
  stdout.on('data', (text: string) => {
    for (const line of text.trim().split('\n')) events.push(JSON.parse(line))
  })
  return {
    gateway,
    process,
    calls,
    events,
    next,
    run: () => runDev(world),
    edit: async () => {
      const { onChange } = await until(() => watching, { what: 'the file is watched' })
      onChange()
    },
    tick: (ms: number) => {
      time += ms
    },
    has: (event: string) => until(() => events.some((one) => one.event === event), { what: event }),
  }
}

const url = 'https://localhost:3443'
const started = [
  'lock',
  'recover',
  'start',
  `set ${url}`,
  `announce ${url}`,
  `companions web ${url}`,
]

describe('dev', () => {
  it('starts in order, and undoes everything in the opposite order on a signal', async () => {
    const { run, process, calls, has, events } = setup()
    const running = run()
    await has('ready')
    expect(calls).toEqual(started)
    expect(process.env.APP_URL).toBe(url)
    process.emit('SIGTERM', 'SIGTERM')
    expect(await running).toBe(0)
    const undone = ['stop companions', 'close', 'restore', 'release']
    expect(calls.slice(started.length, started.length + 4)).toEqual(undone)
    expect(events.at(-1)).toEqual({ event: 'stopped', reason: 'SIGTERM' })
    expect(process.eventNames()).toEqual([])
  })

  it('tells warnings of the configuration and what it repaired', async () => {
    const { run, process, has, events } = setup()
    const running = run()
    await has('ready')
    process.emit('SIGINT', 'SIGINT')
    await running
    expect(events.filter(({ event }) => event === 'warning')).toEqual([
      { event: 'warning', code: 'CONFIG', message: 'Something is odd.' },
      {
        event: 'warning',
        code: 'APP_URL_RECOVERED',
        message: 'The last run did not end properly. APP_URL in .env is as it was before.',
      },
    ])
  })

  it('undoes a start that fails', async () => {
    const fail = new UserError('PORT_IN_USE', 'Port 3001 is taken.', { hint: 'Use another.' })
    const { run, calls, events } = setup({ fail })
    expect(await run()).toBe(1)
    expect(calls.slice(0, 6)).toEqual([
      ...['lock', 'recover', 'start', 'stop companions', 'restore', 'release'],
    ])
    expect(events.at(-1)).toMatchObject({ event: 'error', code: 'PORT_IN_USE' })
  })

  it('ends with 2 when the configuration cannot be used, and starts nothing', async () => {
    const loadConfig = () => Promise.reject(new UserError('CONFIG_INVALID', 'It is bad.'))
    const { run, calls } = setup({ world: { loadConfig } })
    expect(await run()).toBe(2)
    expect(calls).toEqual([])
  })

  it('follows the address when it changes', async () => {
    const { run, process, gateway, calls, has } = setup()
    const running = run()
    await has('ready')
    gateway.emit({
      event: 'url-changed',
      previousUrl: url,
      appUrl: 'https://new.example',
      origins: [],
      redirectUri: 'https://new.example/api/oauth/callback',
    })
    await has('url-changed')
    expect(calls.slice(started.length)).toEqual([
      'set https://new.example',
      'announce https://new.example',
      'companions web https://new.example',
    ])
    process.emit('SIGINT', 'SIGINT')
    await running
  })

  it('applies an edit, and starts the companions it changed', async () => {
    const { run, process, gateway, calls, next, edit, has } = setup()
    const running = run()
    await has('ready')
    await edit()
    await until(() => gateway.applied.length > 0, { what: 'the edit is applied' })
    expect(gateway.applied[0]).toBe(next)
    await until(() => calls.includes(`companions other ${url}`), { what: 'they are restarted' })
    process.emit('SIGINT', 'SIGINT')
    expect(await running).toBe(0)
  })

  it('reports an edit that cannot be used and goes on', async () => {
    const reloadGatewayFile = () =>
      Promise.reject(new UserError('CONFIG_INVALID', 'It is bad.', { hint: 'Fix it.' }))
    const { run, process, events, edit, has } = setup({ world: { reloadGatewayFile } })
    const running = run()
    await has('ready')
    await edit()
    await has('config')
    expect(events.find(({ event }) => event === 'config')).toEqual({
      event: 'config',
      state: 'rejected',
      code: 'CONFIG_INVALID',
      message: 'It is bad.',
      hint: 'Fix it.',
    })
    process.emit('SIGINT', 'SIGINT')
    expect(await running).toBe(0)
  })

  it('goes on with a warning when APP_URL cannot be written', async () => {
    const openAppUrlFiles: DevWorld['openAppUrlFiles'] = () => ({
      recover: async () => ({ state: 'nothing' }),
      set: () => Promise.reject(new UserError('ENV_FILE_UNWRITABLE', 'It is read-only.')),
      restore: async () => [],
    })
    const { run, process, events, has } = setup({ world: { openAppUrlFiles } })
    const running = run()
    await has('ready')
    expect(events).toContainEqual({
      event: 'warning',
      code: 'ENV_FILE_UNWRITABLE',
      message: 'It is read-only.',
    })
    process.emit('SIGINT', 'SIGINT')
    expect(await running).toBe(0)
  })

  it('closes everything and ends with 1 on a bug', async () => {
    const { run, process, calls, events, has } = setup()
    const running = run()
    await has('ready')
    process.emit('unhandledRejection', new TypeError('x is not a function'))
    expect(await running).toBe(1)
    expect(calls).toContain('close')
    expect(calls).toContain('release')
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'BUG', message: 'x is not a function' }),
    )
  })

  it('ends with 1 when the gateway stops by itself', async () => {
    const { run, gateway, events, has } = setup()
    const running = run()
    await has('ready')
    gateway.emit({ event: 'stopped', reason: 'the store is gone' })
    expect(await running).toBe(1)
    expect(events.at(-1)).toEqual({ event: 'stopped', reason: 'the store is gone' })
  })

  it('takes the same Ctrl-C that arrives twice for one, and a second one for a wish to force', async () => {
    const { run, process, calls, tick, has } = setup({ closing: new Promise(() => {}) })
    const running = run()
    await has('ready')
    process.emit('SIGINT', 'SIGINT')
    tick(50)
    process.emit('SIGINT', 'SIGINT')
    await until(() => calls.includes('close'), { what: 'it is closing' })
    expect(calls).not.toContain('kill companions')
    tick(500)
    process.emit('SIGINT', 'SIGINT')
    expect(await running).toBe(130)
    expect(calls).toContain('kill companions')
    expect(calls).toContain('release')
  })

  it('gives up on a close that takes too long', async () => {
    const { run, process, has } = setup({
      closing: new Promise(() => {}),
      world: { stopDeadlineMs: 20 },
    })
    const running = run()
    await has('ready')
    process.emit('SIGTERM', 'SIGTERM')
    expect(await running).toBe(1)
  })

  it('prints ready as the gateway said it', async () => {
    const ready = readyEvent({ caFile: '/ca.pem', caFingerprint: 'AA', certFile: '/c.pem' })
    const { run, process, events, has } = setup({ ready })
    const running = run()
    await has('ready')
    expect(events.find(({ event }) => event === 'ready')).toEqual(ready)
    process.emit('SIGINT', 'SIGINT')
    await running
  })
})
