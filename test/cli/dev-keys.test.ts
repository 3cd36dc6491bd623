import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createPendingApprovals } from '../../src/cli/commands/approvals.ts'
import { type DevKeysOptions, listenToDevKeys } from '../../src/cli/commands/dev-keys.ts'
import { createOutput } from '../../src/cli/output.ts'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import type { Gateway } from '../../src/gateway.ts'
import { noTunnels } from '../fixtures/gateway.ts'
import { readyEvent } from './fake-gateway.ts'
import { until } from './helpers.ts'

/** A terminal with a gateway behind its keys. */
function setup(options: {
  gateway?: Partial<Gateway>
  examine?: DevKeysOptions['world']['examine']
  order?: ResolvedConfig['tunnels']['order']
}) {
  const streams = [new PassThrough(), new PassThrough()] as const
  let shown = ''
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text) => {
      shown += text
    })
  }
  const [stdout, stderr] = streams
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: () => {},
    resume: () => {},
    pause: () => {},
  })
  const tunnels = { ...noTunnels, order: options.order ?? ['local'] }
  const config = { home: '/p', tunnels } as ResolvedConfig
  const stop = listenToDevKeys({
    world: {
      input,
      output: createOutput({ stdout, stderr, env: {}, json: false }),
      platform: 'linux',
      now: () => 0,
      clients: undefined,
      examine: options.examine ?? (() => Promise.reject(new Error('nobody asked'))),
    },
    config,
    gateway: { status: () => readyEvent(), ...options.gateway } as Gateway,
    approvals: createPendingApprovals({ now: () => 0 }),
    onInterrupt: () => {},
    onBug: (error) => {
      throw error
    },
  })
  onTestFinished(stop)
  return {
    config,
    press: (key: string) => void input.emit('data', key),
    shown: () => shown,
    shows: (text: string) => until(() => shown.includes(text), { what: `it shows ${text}` }),
  }
}

describe('the keys', () => {
  it('look for what is wrong when d is pressed, once at a time', async () => {
    const looks: ResolvedConfig[] = []
    const look = Promise.withResolvers<void>()
    const { config, press, shows } = setup({
      async examine(seen) {
        looks.push(seen)
        await look.promise
        const finding = { check: 'ports', title: 'Ports', state: 'ok', message: 'Free.' } as const
        return { findings: [finding], summary: { ok: 1, warn: 0, fail: 0 } }
      },
    })
    press('d')
    press('d')
    look.resolve()
    await shows('ok    Free.')
    expect(looks).toEqual([config])
    press('d')
    await until(() => looks.length === 2, { what: 'it looks again' })
  })

  it.each([
    [['local'], 'restarts the servers and proves the address again'],
    [['ngrok', 'local'], 'restarts the servers and opens the tunnel anew: its address may change'],
  ] as const)('say what r does with the tunnels %s', async (order, words) => {
    const { press, shows } = setup({ order })
    press('?')
    await shows(`  r       ${words}\n`)
    await shows('  d       looks for what is wrong')
  })

  const server = { name: 'files', state: 'failed', tools: 0, error: 'it exited\x1b[2J' } as const
  const broken = () => {
    const { profiles, ...ready } = readyEvent()
    const twice = profiles.map((profile) => ({ ...profile, servers: [server] }))
    return { ...ready, profiles: [...twice, ...twice] }
  }

  it('say "Reopened" when all of it is true', async () => {
    const { press, shown, shows } = setup({ gateway: { reopen: async () => 'open' } })
    press('r')
    await shows('  Reopened in 0 ms.\n')
    expect(shown()).not.toContain('fails')
  })

  it('say which servers still fail after r, once each', async () => {
    const { press, shown, shows } = setup({
      gateway: { reopen: async () => 'open', status: broken },
    })
    press('r')
    await shows('  Reopened what works in 0 ms.\n')
    await shows('  Server "files" still fails: it exited')
    expect(shown().split('still fails')).toHaveLength(2)
    expect(shown()).not.toContain('\x1b')
  })

  it('say that the tunnel is not open yet after r', async () => {
    const { press, shown, shows } = setup({ gateway: { reopen: async () => 'waiting' } })
    press('r')
    await shows('the tunnel is not open yet, and is tried again.')
    expect(shown()).not.toContain('Reopened')
  })
})
