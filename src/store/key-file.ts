import { readFile, stat } from 'node:fs/promises'
import { messageOf, UserError } from '../errors.ts'
import { createFileAtomic, writeFileAtomic } from '../lib/atomic-file.ts'

/**
 * A JSON file of keys, of mode 0600, which other processes may replace while it is open. `parse`
 * checks what was read, and throws an Error whose message is the rest of a sentence. Everything here
 * throws UserError STORE_UNUSABLE with `hint` when the file cannot be used, or others can read it.
 */
export function createKeyFile<T>(options: {
  path: string
  parse: (value: unknown) => T
  hint: string
}) {
  const { path, parse, hint } = options
  let loaded: { version: string; content: T } | undefined

  async function load(): Promise<T | undefined> {
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (!info) return undefined
    requirePrivate(info.mode)
    const version = `${info.ino} ${info.mtimeMs}`
    if (loaded?.version !== version) {
      loaded = { version, content: parse(JSON.parse(await readFile(path, 'utf8'))) }
    }
    return loaded.content
  }

  async function orUnusable<R>(task: () => Promise<R>): Promise<R> {
    try {
      return await task()
    } catch (error) {
      const message = `Cannot use the key file ${path}: ${messageOf(error)}.`
      throw new UserError('STORE_UNUSABLE', message, { hint, cause: error })
    }
  }

  return {
    /** Creates it unless it exists. */
    create: (fresh: () => T | Promise<T>): Promise<void> =>
      orUnusable(async () => {
        if ((await load()) !== undefined) return
        // Of several processes that find none, exactly one creates it.
        await createFileAtomic(path, format(await fresh()), { mode: 0o600 })
      }),
    /** What it holds now: the same object until the file changes; undefined where there is no file. */
    read: (): Promise<T | undefined> => orUnusable(load),
    replace: (next: T): Promise<void> =>
      orUnusable(() => writeFileAtomic(path, format(next), { mode: 0o600 })),
  }
}

function requirePrivate(mode: number): void {
  // Windows has no such modes; the folder's access list decides there.
  if (process.platform === 'win32') return
  if ((mode & 0o077) !== 0) throw new Error('other users can read it')
}

function format(content: unknown): string {
  return `${JSON.stringify(content, null, 2)}\n`
}
