import { expect, it } from 'vitest'
import { type Check, fail, ok, warn } from '../../src/doctor/check.ts'
import { checks } from '../../src/doctor/checks.ts'
import { runChecks } from '../../src/doctor/examine.ts'
import { wait } from '../../src/lib/clock.ts'
import { redactSecrets } from '../../src/lib/redact.ts'
import { temporaryFolder } from '../cli/helpers.ts'
import { worldOf } from './lab.ts'

async function run(list: readonly Check[], deadlineMs = 2_000) {
  const world = await worldOf({ projectDir: await temporaryFolder() })
  const redact = (text: string) => redactSecrets(text, ['hunter2hunter2'])
  return runChecks({ checks: list, world, deadlineMs, redact })
}

const check = (id: string, findings: Check['run']): Check => ({ id, title: id, run: findings })

it('reports findings in the order of the checks, whichever is first to answer', async () => {
  const { findings, summary } = await run([
    check('slow', async () => {
      await wait(50)
      return [ok('a'), fail('b', 'c')]
    }),
    check('quick', async () => [warn('d', 'e')]),
  ])
  expect(findings.map(({ check: id, message }) => `${id} ${message}`)).toEqual([
    'slow a',
    'slow b',
    'quick d',
  ])
  expect(summary).toEqual({ ok: 1, warn: 1, fail: 1 })
})

it('makes a finding of a check that hangs, within its own deadline', async () => {
  const hangs = { ...check('hangs', () => new Promise(() => {})), deadlineMs: 60 }
  const { findings } = await run([hangs, check('well', async () => [ok('fine')])])
  expect(findings[0]).toMatchObject({
    state: 'warn',
    message: 'This could not be found out within 0.06 s.',
  })
  expect(findings[1]?.message).toBe('fine')
})

it('makes a finding of a check that breaks', async () => {
  const { findings } = await run([
    check('breaks', async () => {
      throw new Error('the disk is gone')
    }),
  ])
  expect(findings[0]).toMatchObject({
    state: 'warn',
    message: 'This could not be found out: the disk is gone.',
  })
})

it('takes secrets out of what is said and of what to do', async () => {
  const { findings } = await run([
    check('tells', async () => [warn('it is hunter2hunter2', 'use hunter2hunter2')]),
  ])
  expect(JSON.stringify(findings)).not.toContain('hunter2')
})

it('has every check under a name of its own', () => {
  const ids = checks.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(20)
})
