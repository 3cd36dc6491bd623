import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKeyFile } from '../../src/store/key-file.ts'

interface Keys {
  readonly key: string
}

async function openLab() {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-keys-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'keys.json')
  const open = () =>
    createKeyFile<Keys>({
      path,
      parse: (value) => {
        const { key } = value as Partial<Keys>
        if (!key) throw new Error('it holds no key')
        return { key }
      },
      hint: 'Move it away.',
    })
  return { path, open, file: open() }
}

describe('a key file', () => {
  it('does not exist before it is created, with mode 0600, once', async () => {
    const { file, path, open } = await openLab()
    expect(await file.read()).toBeUndefined()
    await Promise.all(['a', 'b', 'c'].map((key) => open().create(() => ({ key }))))
    await file.create(() => ({ key: 'late' }))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(['a', 'b', 'c']).toContain((await file.read())?.key)
  })

  it('is the same object until the file changes, also by another process', async () => {
    const { file, open } = await openLab()
    await file.create(() => ({ key: 'a' }))
    const first = await file.read()
    expect(await file.read()).toBe(first)
    await open().replace({ key: 'b' })
    expect(await file.read()).toEqual({ key: 'b' })
  })

  it.skipIf(process.platform === 'win32')('is refused when others can read it', async () => {
    const { file, path } = await openLab()
    await file.create(() => ({ key: 'a' }))
    await file.read()
    await chmod(path, 0o640)
    await expect(file.read()).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('other users can read it'),
      hint: 'Move it away.',
    })
  })

  it.each(['', 'null', '{}', '{"key":'])(
    'is refused when it holds %j, and left alone',
    async (text) => {
      const { file, path } = await openLab()
      await writeFile(path, text, { mode: 0o600 })
      const refused = { code: 'STORE_UNUSABLE' }
      await expect(file.read()).rejects.toMatchObject(refused)
      await expect(file.create(() => ({ key: 'a' }))).rejects.toMatchObject(refused)
      expect(await readFile(path, 'utf8')).toBe(text)
    },
  )
})
