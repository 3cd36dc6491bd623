import { isUtf8 } from 'node:buffer'
import { readFile, readlink, realpath, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createFileAtomic, writeFileAtomic } from '../lib/atomic-file.ts'

const byteOrderMark = '\uFEFF'

/** A text file of the user's, as it was when it was read; every byte that is not changed stays. */
export interface UserFile {
  /** Absolute, links followed. */
  readonly path: string
  /** Undefined when there is no file. */
  readonly bytes: Buffer | undefined
  /** Without a byte order mark, which is put back when it is written; empty when there is no file. */
  readonly text: string
}

/** The file a path leads to, links followed, also when it does not exist yet. */
export async function targetOf(path: string): Promise<string> {
  const target = await realpath(path).catch(() => undefined)
  if (target !== undefined) return target
  const link = await readlink(path).catch(() => undefined)
  return link === undefined ? resolve(path) : resolve(dirname(path), link)
}

/** @throws the system's error when it is there and cannot be read */
export async function readUserFile(path: string): Promise<UserFile> {
  const target = await targetOf(path)
  const bytes = await bytesOf(target)
  const text = bytes?.toString(encodingOf(bytes)) ?? ''
  return { path: target, bytes, text: text.startsWith(byteOrderMark) ? text.slice(1) : text }
}

/**
 * Writes a new text, or removes the file when it is undefined, unless the file was changed since it
 * was read. What it was before us is kept beside it once, when `backup` asks for that. A new file is
 * for its owner only, since such files come to hold secrets.
 * @throws the system's error, or one that says that another program was there
 */
export async function writeUserFile(
  { path, bytes }: UserFile,
  text: string | undefined,
  { backup = false }: { backup?: boolean } = {},
): Promise<void> {
  const now = await bytesOf(path)
  const isSame = now && bytes ? now.equals(bytes) : now === bytes
  if (!isSame) throw new Error('another program changed it just now')
  if (text === undefined) return rm(path, { force: true })
  const mode = ((await stat(path).catch(() => undefined))?.mode ?? 0o600) & 0o777
  if (backup && bytes) await createFileAtomic(backupPath(path), bytes, { mode })
  const encoding = bytes ? encodingOf(bytes) : 'utf8'
  const mark = bytes?.toString(encoding).startsWith(byteOrderMark) ? byteOrderMark : ''
  await writeFileAtomic(path, Buffer.from(mark + text, encoding), { mode })
}

/** Where a file's content from before our first change is kept. */
export function backupPath(path: string): string {
  return `${path}.sallyport-backup`
}

async function bytesOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Latin-1 maps every byte to a character and back, whatever the file is written in. */
function encodingOf(bytes: Buffer): 'utf8' | 'latin1' {
  return isUtf8(bytes) ? 'utf8' : 'latin1'
}
