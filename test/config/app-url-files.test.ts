import {
  access,
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { appUrlJournalFile, createAppUrlFiles } from '../../src/config/app-url-files.ts'
import { temporaryFolder } from './temporary-folder.ts'

async function setup(content?: string | Buffer, names: string[] = ['.env']) {
  const folder = await temporaryFolder()
  const files = names.map((name) => join(folder, name))
  const [file = ''] = files
  if (content !== undefined) await writeFile(file, content)
  const home = join(folder, 'home')
  const journalFile = appUrlJournalFile(home)
  const create = (pid: number, alive: number[] = []) =>
    createAppUrlFiles({ files, journalFile, pid, isAlive: (other) => alive.includes(other) })
  return { folder, file, files, home, journalFile, create, read: () => readFile(file, 'utf8') }
}

it('sets the line, follows a new address, and restores what was there', async () => {
  const { file, home, create, read } = await setup('A=1\r\nAPP_URL="old" # mine\r\nB=2')
  await chmod(file, 0o640)
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  expect(await read()).toBe('A=1\r\nAPP_URL="https://a.test" # mine\r\nB=2')
  await appUrl.set('https://b.test')
  expect(await read()).toBe('A=1\r\nAPP_URL="https://b.test" # mine\r\nB=2')
  expect((await stat(file)).mode & 0o777).toBe(0o640)
  expect(await appUrl.restore()).toEqual([{ path: file, outcome: 'restored' }])
  expect(await read()).toBe('A=1\r\nAPP_URL="old" # mine\r\nB=2')
  expect(await readdir(home)).toEqual([])
  expect(await appUrl.restore()).toEqual([])
})

it('creates a file that is missing for its owner only, and removes it again', async () => {
  const { file, create, read } = await setup()
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  await appUrl.set('https://b.test')
  expect(await read()).toBe('APP_URL=https://b.test\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await appUrl.restore()).toEqual([{ path: file, outcome: 'removed' }])
  await expect(access(file)).rejects.toThrow('ENOENT')
})

it('keeps a file it created when something was added to it', async () => {
  const { file, create, read } = await setup()
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  await writeFile(file, `${await read()}KEY=1\n`)
  expect(await appUrl.restore()).toEqual([{ path: file, outcome: 'restored' }])
  expect(await read()).toBe('KEY=1\n')
})

it('leaves a line that the user edited meanwhile', async () => {
  const { file, create, read } = await setup('APP_URL=old\n')
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  await writeFile(file, 'APP_URL=mine\n')
  expect(await appUrl.restore()).toEqual([{ path: file, outcome: 'edited' }])
  expect(await read()).toBe('APP_URL=mine\n')
})

it('remembers an edit made meanwhile as the line of the user', async () => {
  const { file, create, read } = await setup('APP_URL=old\n')
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  await writeFile(file, 'APP_URL=mine\n')
  await appUrl.set('https://b.test')
  await appUrl.restore()
  expect(await read()).toBe('APP_URL=mine\n')
})

it('writes through a link', async () => {
  const { folder, file, create } = await setup()
  await mkdir(join(folder, 'real'))
  const target = join(folder, 'real/env')
  await writeFile(target, 'APP_URL=old')
  await symlink('real/env', file)
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  expect((await lstat(file)).isSymbolicLink()).toBe(true)
  expect(await readFile(target, 'utf8')).toBe('APP_URL=https://a.test')
  await appUrl.restore()
  expect(await readFile(target, 'utf8')).toBe('APP_URL=old')
})

it('keeps bytes that are not UTF-8', async () => {
  const bytes = Buffer.concat([Buffer.from('A='), Buffer.from([0xff, 0xa0, 0x0a])])
  const { file, create } = await setup(bytes)
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  expect(await readFile(file)).toEqual(
    Buffer.concat([bytes, Buffer.from('APP_URL=https://a.test\n')]),
  )
  await appUrl.restore()
  expect(await readFile(file)).toEqual(bytes)
})

it('recovers what a crashed gateway left, once, in any of its states', async () => {
  const { file, create, read } = await setup('APP_URL=old\n')
  await create(1).set('https://a.test')
  const between = await read()
  await create(1).set('https://b.test')
  // As if the crash had come after the journal and before the file.
  await writeFile(file, between)
  const next = create(2)
  expect(await next.recover()).toEqual({
    state: 'recovered',
    files: [{ path: file, outcome: 'restored' }],
  })
  expect(await read()).toBe('APP_URL=old\n')
  expect(await next.recover()).toEqual({ state: 'nothing' })
})

it('recovers by itself before it sets, so the address of the dead is never the user’s', async () => {
  const { create, read } = await setup('APP_URL=old\n')
  await create(1).set('https://dead.test')
  const next = create(2)
  await next.set('https://b.test')
  await next.restore()
  expect(await read()).toBe('APP_URL=old\n')
})

it('keeps away from the files of a live gateway', async () => {
  const { create, read } = await setup('APP_URL=old\n')
  const first = create(1)
  await first.set('https://a.test')
  const second = create(2, [1])
  expect(await second.recover()).toEqual({ state: 'owned', pid: 1 })
  await expect(second.set('https://b.test')).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
  expect(await second.restore()).toEqual([])
  expect(await read()).toBe('APP_URL=https://a.test\n')
  await first.restore()
  expect(await read()).toBe('APP_URL=old\n')
})

it('changes no file when one of them cannot be written', async () => {
  const { folder, files, create, read } = await setup('A=1\n', ['.env', 'missing/.env'])
  await expect(create(1).set('https://a.test')).rejects.toMatchObject({
    code: 'ENV_FILE_UNWRITABLE',
    message: expect.stringContaining(files[1] ?? ''),
  })
  expect(await read()).toBe('A=1\n')
  expect(await readdir(folder)).toEqual(['.env'])
})

it('keeps a file in the journal that could not be restored', async () => {
  const { file, journalFile, create } = await setup('A=1\n')
  const appUrl = create(1)
  await appUrl.set('https://a.test')
  await rm(file)
  await mkdir(file)
  expect(await appUrl.restore()).toEqual([
    { path: file, outcome: 'failed', message: expect.stringContaining('EISDIR') },
  ])
  expect(await readFile(journalFile, 'utf8')).toContain('APP_URL=https://a.test')
})

it('serves one call after the other', async () => {
  const { create, read } = await setup('APP_URL=old\n')
  const appUrl = create(1)
  await Promise.all([appUrl.set('https://a.test'), appUrl.set('https://b.test'), appUrl.restore()])
  expect(await read()).toBe('APP_URL=old\n')
})
