import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type CompanionExit, createCompanions } from '../../src/cli/companions.ts'
import type { CompanionProcess } from '../../src/config/resolved-config.ts'
import { runs, temporaryFolder, until } from './helpers.ts'

async function setup(options: { graceMs?: number } = {}) {
  const cwd = await temporaryFolder()
  const exits: CompanionExit[] = []
  let output = ''
  const companions = createCompanions({
    write: (chunk) => {
      output += chunk
    },
    onExit: (exit) => exits.push(exit),
    color: false,
    graceMs: options.graceMs ?? 5000,
  })
  onTestFinished(() => companions.stop())
  const define = (name: string, command: string): CompanionProcess => ({
    name,
    command,
    cwd,
    env: {},
  })
  const pidIn = (file: string) =>
    until(async () => Number(await readFile(join(cwd, file), 'utf8').catch(() => '')), {
      what: `${file} holds a process id`,
    })
  return { companions, define, exits, output: () => output, cwd, pidIn }
}

describe.skipIf(process.platform === 'win32')('companions', () => {
  it('gives each companion APP_URL and marks its output with its name', async () => {
    const { companions, define, output } = await setup()
    const web = define('web', 'echo "at $APP_URL"; exec sleep 60')
    await companions.restart([web, define('api', 'echo hello; exec sleep 60')], 'https://a.example')
    await until(() => output().includes('[api] hello') && output().includes('[web] at'), {
      what: 'both have spoken',
    })
    expect(output()).toContain('[web] at https://a.example\n')
    await companions.stop()
  })

  it('starts them again with the new address', async () => {
    const { companions, define, output, exits } = await setup()
    const web = define('web', 'echo "at $APP_URL"; exec sleep 60')
    await companions.restart([web], 'https://a.example')
    await until(() => output().includes('a.example'), { what: 'the first start' })
    await companions.restart([web], 'https://b.example')
    await until(() => output().includes('b.example'), { what: 'the second start' })
    await companions.stop()
    expect(exits).toEqual([])
  })

  it('lets a companion end in its own time', async () => {
    const { companions, define, output } = await setup()
    const command = `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`
    await companions.restart([define('web', command)], 'https://a.example')
    await until(() => output().includes('up'), { what: 'it is up' })
    await companions.stop()
    expect(output()).toContain('[web] bye')
  })

  it('kills a whole tree that ignores SIGTERM', async () => {
    const { companions, define, pidIn } = await setup({ graceMs: 100 })
    const command = `trap '' TERM; sleep 60 & echo $! > inner; (trap '' TERM; sh -c 'echo $$ > deep; sleep 61; :') & wait; sleep 62`
    await companions.restart([define('web', command)], 'https://a.example')
    const pids = [await pidIn('inner'), await pidIn('deep')]
    expect(pids.map(runs)).toEqual([true, true])
    await companions.stop()
    await until(() => !pids.some(runs), { what: 'the tree is gone' })
  })

  it('reports a companion that exits, once, and goes on', async () => {
    const { companions, define, exits, output } = await setup()
    await companions.restart(
      [define('bad', 'exit 3'), define('good', 'echo here; exec sleep 60')],
      'https://a.example',
    )
    await until(() => exits.length > 0 && output().includes('here'), { what: 'the exit is told' })
    expect(exits).toEqual([{ name: 'bad', outcome: 3 }])
    await companions.stop()
    expect(exits).toHaveLength(1)
  })

  it('names the folder that does not exist', async () => {
    const { companions, define, exits } = await setup()
    const lost = { ...define('web', 'true'), cwd: '/does/not/exist' }
    await companions.restart([lost], 'https://a.example')
    await until(() => exits.length > 0, { what: 'the failure is told' })
    expect(exits).toEqual([{ name: 'web', outcome: 'the folder /does/not/exist does not exist' }])
    await companions.stop()
  })

  it('leaves no process behind when we are killed', async () => {
    const { cwd, pidIn } = await setup()
    const module = new URL('../../src/cli/companions.ts', import.meta.url).pathname
    const source = `
      const { createCompanions } = await import(${JSON.stringify(module)})
      const companions = createCompanions({ write() {}, onExit() {}, color: false, graceMs: 100 })
      await companions.restart([{ name: 'web', cwd: ${JSON.stringify(cwd)}, env: {},
        command: "sh -c 'echo $$ > deep; sleep 61; :' & echo $$ > shell; sleep 60; :" }], 'http://x')
      console.log('started')
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void parent.kill('SIGKILL'))
    await once(parent.stdout, 'data')
    const pids = [await pidIn('shell'), await pidIn('deep')]
    parent.kill('SIGKILL')
    await until(() => !pids.some(runs), { what: 'the tree is gone' })
  })
})
