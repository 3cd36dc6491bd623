import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isProcessAlive } from '../fixtures/processes.ts'

const owner = fileURLToPath(new URL('../fixtures/reaper-owner.ts', import.meta.url))

describe.skipIf(process.platform === 'win32')('the process reaper', () => {
  it('ends a stubborn process group when its owner is killed with SIGKILL', async () => {
    const child = spawn(process.execPath, [owner], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout, 'data')
    const pid = Number(String(line))
    expect(isProcessAlive(pid)).toBe(true)
    child.kill('SIGKILL')
    await expect.poll(() => isProcessAlive(pid)).toBe(false)
  })
})
