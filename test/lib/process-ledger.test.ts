import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createProcessLedger, isProcessAlive, reapLeftovers } from '../../src/lib/process-ledger.ts'

async function ledgerFile() {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-ledger-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'processes.json')
}

function startChild(): { child: ChildProcess; pid: number; exited: Promise<unknown> } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { detached: true })
  onTestFinished(() => void child.kill('SIGKILL'))
  const { pid } = child
  if (pid === undefined) throw new Error('the child did not start')
  return { child, pid, exited: new Promise((resolve) => child.once('exit', resolve)) }
}

function openLedger(path: string) {
  const watched = new Set<number>()
  const reaper = {
    watch(pid: number) {
      watched.add(pid)
      return () => void watched.delete(pid)
    },
    close() {},
  }
  return { ledger: createProcessLedger({ reaper, path }), watched }
}

it('remembers what it watches and forgets it again, as its reaper does', async () => {
  const path = await ledgerFile()
  const { ledger, watched } = openLedger(path)
  const { pid } = startChild()
  const forget = ledger.watch(pid)
  await ledger.settled()
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual([{ pid, started: expect.any(String) }])
  expect([...watched]).toEqual([pid])
  forget()
  await ledger.settled()
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual([])
  expect(watched.size).toBe(0)
})

it('ends what a killed run left behind', async () => {
  const path = await ledgerFile()
  const { ledger } = openLedger(path)
  const { pid, exited, child } = startChild()
  ledger.watch(pid)
  await ledger.settled()
  expect(await reapLeftovers(path)).toBe(1)
  await exited
  expect(child.signalCode).toBe('SIGKILL')
  expect(existsSync(path)).toBe(false)
})

it('leaves a later process of the same number alone', async () => {
  const path = await ledgerFile()
  const { pid, child } = startChild()
  await writeFile(path, JSON.stringify([{ pid, started: 'long ago' }]))
  expect(await reapLeftovers(path)).toBe(0)
  expect(child.signalCode).toBeNull()
})

it.each([
  '',
  '{',
  '{}',
  '[null, {"pid": 1, "started": ""}, {"pid": "7"}, {"pid": -1, "started": "x"}]',
])('makes nothing of %j', async (text) => {
  const path = await ledgerFile()
  await writeFile(path, text)
  expect(await reapLeftovers(path)).toBe(0)
})

it('knows a live process from one that has ended', () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  expect([isProcessAlive(process.pid), isProcessAlive(pid)]).toEqual([true, false])
})
