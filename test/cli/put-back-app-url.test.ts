import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { putBackAppUrl } from '../../src/cli/put-back-app-url.ts'
import {
  appUrlJournalFile,
  createAppUrlFiles,
  readAppUrlJournal,
} from '../../src/config/app-url-files.ts'
import { takeInstanceLock } from '../../src/config/instance-lock.ts'
import { temporaryFolder } from './helpers.ts'

const own = 'FOO=1\nAPP_URL=http://localhost:5173 # mine\n'
const dead = 999_999_999

/** A folder as a gateway leaves it that was killed. */
async function leftBehind() {
  const folder = await temporaryFolder()
  const home = join(folder, '.sallyport')
  await mkdir(home)
  const files = ['.env', 'new.env'].map((name) => join(folder, name))
  const [env = '', created = ''] = files
  await writeFile(env, own)
  const journalFile = appUrlJournalFile(home)
  const keepers = { files, journalFile, isAlive: () => false }
  await createAppUrlFiles({ ...keepers, pid: dead }).set('https://dead.example')
  const read = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  return { home, env, created, read, keepers, journal: () => readAppUrlJournal(journalFile) }
}

describe('putting APP_URL back for a gateway that is dead', () => {
  it('restores every file, removes what was not there, and forgets it', async () => {
    const { home, env, created, read, journal } = await leftBehind()
    await putBackAppUrl(home, dead)
    expect(await read(env)).toBe(own)
    expect(await read(created)).toBeUndefined()
    expect(await journal()).toBeUndefined()
    await putBackAppUrl(home, dead)
    expect(await read(env)).toBe(own)
  })

  it('leaves a line alone that was changed meanwhile', async () => {
    const { home, env, created, read } = await leftBehind()
    await writeFile(env, 'FOO=1\nAPP_URL=https://mine.example\n')
    await putBackAppUrl(home, dead)
    expect(await read(env)).toBe('FOO=1\nAPP_URL=https://mine.example\n')
    expect(await read(created)).toBeUndefined()
  })

  it('leaves everything to a gateway that has taken its place', async () => {
    const { home, env, read } = await leftBehind()
    const lock = await takeInstanceLock(home)
    await putBackAppUrl(home, dead)
    expect(await read(env)).toContain('https://dead.example')
    lock.release()
  })

  it('leaves the lines of a later gateway alone', async () => {
    const { home, env, read, keepers, journal } = await leftBehind()
    await createAppUrlFiles({ ...keepers, pid: process.pid }).set('https://later.example')
    await putBackAppUrl(home, dead)
    expect(await read(env)).toContain('https://later.example')
    expect(await journal()).toMatchObject({ pid: process.pid })
  })
})
