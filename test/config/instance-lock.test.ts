import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readInstanceLock, takeInstanceLock } from '../../src/config/instance-lock.ts'
import { processIdentity } from '../../src/lib/process-ledger.ts'
import { temporaryFolder, until } from '../cli/helpers.ts'

async function startHolder(home: string) {
  const module = new URL('../../src/config/instance-lock.ts', import.meta.url).pathname
  const source = `
    const { takeInstanceLock } = await import(${JSON.stringify(module)})
    const lock = await takeInstanceLock(${JSON.stringify(home)})
    await lock.announce('https://localhost:3443', ['https://localhost:3443'])
    console.log('held')
    process.stdin.resume()`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  let text = ''
  holder.stdout.on('data', (chunk) => {
    text += chunk
  })
  await until(() => text.includes('held'), { what: 'the holder has the lock' })
  return holder
}

describe('the instance lock', () => {
  it('is refused while its holder lives, naming process, address and what to do', async () => {
    const home = await temporaryFolder()
    const holder = await startHolder(home)
    await expect(takeInstanceLock(home)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: `Sallyport already runs in this project at https://localhost:3443 (process ${holder.pid}).`,
      hint: expect.stringContaining(`kill ${holder.pid}`),
    })
  })

  it('is taken over from a holder that was killed', async () => {
    const home = await temporaryFolder()
    const holder = await startHolder(home)
    holder.kill('SIGKILL')
    await until(() => holder.signalCode, { what: 'the holder is gone' })
    const lock = await takeInstanceLock(home)
    const content = JSON.parse(await readFile(join(home, 'gateway.lock'), 'utf8'))
    expect(content.pid).toBe(process.pid)
    lock.release()
  })

  it('is taken over when its process id now belongs to another process', async () => {
    const home = await temporaryFolder()
    const stranger = { pid: process.ppid, started: 'long ago', token: 'x' }
    await writeFile(join(home, 'gateway.lock'), JSON.stringify(stranger))
    ;(await takeInstanceLock(home)).release()
  })

  it.each(['', '{', 'null', '{"pid":"1"}'])('is taken over when it holds %j', async (text) => {
    const home = await temporaryFolder()
    await writeFile(join(home, 'gateway.lock'), text)
    ;(await takeInstanceLock(home)).release()
  })

  it('is given to one of many that start at once over a stale one', async () => {
    const home = await temporaryFolder()
    await writeFile(join(home, 'gateway.lock'), '{')
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => takeInstanceLock(home)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('tells whoever only looks where its holder answers', async () => {
    const home = await temporaryFolder()
    expect(await readInstanceLock(home)).toEqual({ state: 'absent' })
    const holder = await startHolder(home)
    const address = 'https://localhost:3443'
    const held = { state: 'held', pid: holder.pid, address, origins: [address] }
    expect(await readInstanceLock(home)).toEqual(held)
    holder.kill('SIGKILL')
    await until(() => holder.signalCode, { what: 'the holder is gone' })
    expect(await readInstanceLock(home)).toEqual({ state: 'stale' })
    expect(existsSync(join(home, 'gateway.lock'))).toBe(true)
  })

  it('is gone after its release, which may come twice', async () => {
    const home = await temporaryFolder()
    const lock = await takeInstanceLock(home)
    lock.release()
    lock.release()
    expect(existsSync(join(home, 'gateway.lock'))).toBe(false)
  })
})

it('tells one process from another, and nothing of one that is gone', async () => {
  const own = await processIdentity(process.pid)
  expect(own).toBe(await processIdentity(process.pid))
  expect(await processIdentity(process.ppid)).not.toBe(own)
  expect(await processIdentity(2 ** 30)).toBeUndefined()
})
