import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ClientFileEntry,
  type ClientFiles,
  createClientFiles,
} from '../../src/clients/client-files.ts'

let folder: string
let files: ClientFiles
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-clients-'))
  files = createClientFiles({ memoryFile: join(folder, 'home', 'clients.json') })
  path = join(folder, 'mcp.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function entry(url = 'https://localhost:3443/api/mcp/default'): ClientFileEntry {
  const places = [{ path: ['mcpServers', 'sallyport'], value: { url } }]
  return { path, format: 'json', client: 'cursor', name: 'sallyport', places }
}

async function undo(options = {}) {
  const [memory] = await files.remembered()
  if (!memory) throw new Error('nothing is remembered')
  return files.undo(memory, options)
}

const original =
  '\uFEFF{\r\n\t// mine\r\n\t"mcpServers": {\r\n\t\t"a": {"url": "x"}, // a\r\n\t},\r\n\t"z": 1\r\n}'

describe('a client file', () => {
  it('keeps byte order mark, line endings, comments and mode, and gets them all back', async () => {
    await writeFile(path, original)
    await chmod(path, 0o640)
    expect(await files.write(entry())).toMatchObject({ path, outcome: 'changed' })
    const text = await readFile(path, 'utf8')
    expect(text).toBe(
      original.replace(
        '// a\r\n',
        '// a\r\n\t\t"sallyport": {\r\n\t\t\t"url": "https://localhost:3443/api/mcp/default"\r\n\t\t},\r\n',
      ),
    )
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await undo()).toMatchObject({ outcome: 'restored' })
    expect(await readFile(path, 'utf8')).toBe(original)
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await files.remembered()).toEqual([])
  })

  it('is not touched when the entry is there already', async () => {
    await files.write(entry())
    const before = await stat(path)
    expect(await files.write(entry())).toMatchObject({ outcome: 'unchanged' })
    const after = await stat(path)
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs])
  })

  it('follows the address, and comes back through every change', async () => {
    await writeFile(path, original)
    await files.write(entry())
    await files.write(entry('https://one.example/api/mcp/default'))
    await files.write(entry('https://two.example/api/mcp/default'))
    expect(await readFile(path, 'utf8')).toContain('https://two.example')
    expect(await undo()).toMatchObject({ outcome: 'restored' })
    expect(await readFile(path, 'utf8')).toBe(original)
  })

  it('is kept once, as it was before the first change', async () => {
    await writeFile(path, original)
    await files.write(entry())
    await files.write(entry('https://one.example/api/mcp/default'))
    await undo()
    await writeFile(path, '{}')
    await files.write(entry())
    expect(await readFile(`${path}.sallyport-backup`, 'utf8')).toBe(original)
  })

  it('that did not exist is made for its owner alone, and is gone again', async () => {
    path = join(folder, '.cursor', 'mcp.json')
    expect(await files.write(entry())).toMatchObject({ outcome: 'created' })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await files.write(entry('https://one.example/api/mcp/default'))
    expect(await undo()).toMatchObject({ outcome: 'deleted' })
    expect(await readdir(join(folder, '.cursor'))).toEqual([])
  })

  it('that we made stays when others have written to it', async () => {
    await files.write(entry())
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('{\n', '{\n  "theirs": true,\n'))
    expect(await undo()).toMatchObject({ outcome: 'removed' })
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ theirs: true, mcpServers: {} })
  })

  it('behind a link is changed where the link leads', async () => {
    const target = join(folder, 'dotfiles.json')
    await writeFile(target, '{}\n')
    await symlink(target, path)
    expect(await files.write(entry())).toMatchObject({ path: target })
    expect(await readFile(target, 'utf8')).toContain('sallyport')
    expect((await readdir(folder)).sort()).toEqual([
      'dotfiles.json',
      'dotfiles.json.sallyport-backup',
      'home',
      'mcp.json',
    ])
    await undo()
    expect(await readFile(path, 'utf8')).toBe('{}\n')
  })

  it('that is malformed is left as it is, with the place in the message', async () => {
    await writeFile(path, '{\n  "mcpServers": {\n    "a": 1\n    "b": 2\n  }\n}\n')
    await expect(files.write(entry())).rejects.toMatchObject({
      code: 'CLIENT_FILE_MALFORMED',
      message: expect.stringContaining('line 4, column 5'),
    })
    expect(await readdir(folder)).toEqual(['mcp.json'])
  })

  it('that others changed at that very moment is left as they want it', async () => {
    await mkdir(path)
    await expect(files.write(entry())).rejects.toMatchObject({ code: 'CLIENT_FILE_UNWRITABLE' })
  })

  it("with somebody else's entry of that name is left alone without force", async () => {
    const foreign = '{"mcpServers":{"sallyport":{"url":"https://theirs.example"}}}'
    await writeFile(path, foreign)
    await expect(files.write(entry())).rejects.toMatchObject({
      code: 'CLIENT_ENTRY_FOREIGN',
      hint: expect.stringContaining('--force'),
    })
    expect(await readFile(path, 'utf8')).toBe(foreign)
    await files.write(entry(), { force: true })
    expect(await readFile(path, 'utf8')).toContain('localhost:3443')
    expect(await undo()).toMatchObject({ outcome: 'restored' })
    expect(await readFile(path, 'utf8')).toBe(foreign)
  })

  it('keeps an entry that somebody changed, unless it is forced out', async () => {
    await writeFile(path, original)
    await files.write(entry())
    const edited = (await readFile(path, 'utf8')).replace('localhost:3443', 'localhost:9999')
    await writeFile(path, edited)
    expect(await undo()).toMatchObject({ outcome: 'edited' })
    expect(await readFile(path, 'utf8')).toBe(edited)
    expect(await undo({ force: true })).toMatchObject({ outcome: 'removed' })
    expect(await readFile(path, 'utf8')).toBe(original)
  })

  it('is known as ours when the last run was killed between memory and file', async () => {
    await files.write(entry())
    const text = await readFile(path, 'utf8')
    await files.write(entry('https://one.example/api/mcp/default'))
    await writeFile(path, text)
    expect(await files.write(entry('https://two.example/api/mcp/default'))).toMatchObject({
      outcome: 'changed',
    })
    expect(await undo()).toMatchObject({ outcome: 'deleted' })
  })

  it('takes an entry of two parts, and gives both back', async () => {
    const before = '{\n  "inputs": [\n    {"id": "other"} // theirs\n  ]\n}\n'
    await writeFile(path, before)
    const places = [
      { path: ['inputs', { id: 'key' }], value: { id: 'key', password: true } },
      { path: ['servers', 'sallyport'], value: { url: 'https://a.example' } },
    ]
    await files.write({ ...entry(), places })
    expect(await readFile(path, 'utf8')).toBe(
      before
        .replace(
          '{"id": "other"} // theirs',
          '{"id": "other"}, // theirs\n    {\n      "id": "key",\n      "password": true\n    }',
        )
        .replace(
          '  ]\n',
          '  ],\n  "servers": {\n    "sallyport": {\n      "url": "https://a.example"\n    }\n  }\n',
        ),
    )
    expect(await undo()).toMatchObject({ outcome: 'restored' })
    expect(await readFile(path, 'utf8')).toBe(before)
  })
})
