import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { childrenOf, isProcessAlive } from '../fixtures/processes.ts'

const owner = fileURLToPath(new URL('../fixtures/reaper-owner.ts', import.meta.url))

/** A process with a reaper, whose last will is to make a file. */
async function startOwner(...ways: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-reaper-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const will = join(folder, "last 'will' $(id)")
  const child = spawn(process.execPath, [owner, will, ...ways], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  return { child, stubborn: Number(String(line)), hasWilled: () => existsSync(will) }
}

describe.skipIf(process.platform === 'win32')('the process reaper', () => {
  it('ends a stubborn process group and does the last will when its owner is killed', async () => {
    const { child, stubborn, hasWilled } = await startOwner()
    expect(isProcessAlive(stubborn)).toBe(true)
    expect(hasWilled()).toBe(false)
    child.kill('SIGKILL')
    await expect.poll(() => isProcessAlive(stubborn)).toBe(false)
    await expect.poll(hasWilled).toBe(true)
  })

  it('does no last will after an orderly end', async () => {
    const { child, stubborn, hasWilled } = await startOwner('orderly')
    const helpers = childrenOf(child.pid ?? 0).filter((pid) => pid !== stubborn)
    expect(helpers).toHaveLength(1)
    child.kill('SIGUSR2')
    await once(child, 'exit')
    await expect.poll(() => helpers.some(isProcessAlive) || isProcessAlive(stubborn)).toBe(false)
    expect(hasWilled()).toBe(false)
  })
})
