import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { listenToDevKeys } from '../../src/cli/commands/dev-keys.ts'
import { createOutput } from '../../src/cli/output.ts'
import { createPendingApprovals } from '../../src/cli/pending-approvals.ts'
import { formatKeyHelp } from '../../src/cli/ui/key-help.ts'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import type { Gateway } from '../../src/gateway.ts'
import { plain, until } from './helpers.ts'

it('looks for what is wrong when d is pressed, once at a time', async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let out = ''
  stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: () => {},
    resume: () => {},
    pause: () => {},
  })
  const looks: ResolvedConfig[] = []
  const config = { home: '/p' } as ResolvedConfig
  const look = Promise.withResolvers<void>()
  const stop = listenToDevKeys({
    deps: {
      input,
      output: createOutput({ stdout, stderr, env: {}, json: false }),
      platform: 'linux',
      now: () => 0,
      async examine(seen) {
        looks.push(seen)
        await look.promise
        const finding = { check: 'ports', title: 'Ports', state: 'ok', message: 'Free.' } as const
        return { findings: [finding], summary: { ok: 1, warn: 0, fail: 0 } }
      },
    },
    config,
    gateway: {} as Gateway,
    approvals: createPendingApprovals({ now: () => 0 }),
    onInterrupt: () => {},
    onBug: (error) => {
      throw error
    },
  })
  input.emit('data', 'd')
  input.emit('data', 'd')
  look.resolve()
  await until(() => out.includes('ok    Free.'), { what: 'the findings are shown' })
  expect(looks).toEqual([config])
  input.emit('data', 'd')
  await until(() => looks.length === 2, { what: 'it looks again' })
  stop()
  expect(formatKeyHelp(plain())).toContain('  d       looks for what is wrong')
})
