import { rm, stat } from 'node:fs/promises'
import { readUserFile, targetOf, type UserFile } from '../../config/user-file.ts'
import { messageOf, UserError } from '../../errors.ts'
import { createFileAtomic, writeFileAtomic } from '../../lib/atomic-file.ts'

const byteOrderMark = '\uFEFF'

/** A client's file, as it was when it was read. */
interface DiskFile {
  /** Absolute, links resolved. */
  readonly path: string
  /** Undefined when there is no file. */
  readonly content: UserFile | undefined
  /** The text without a byte order mark, which is put back when it is written. */
  readonly text: string
}

/** @throws UserError CLIENT_FILE_UNWRITABLE when it is there and cannot be read */
export async function readDiskFile(path: string): Promise<DiskFile> {
  const target = await targetOf(path)
  const content = await readUserFile(target).catch((error: unknown) => {
    throw unwritable(target, error)
  })
  const text = content?.text ?? ''
  return { path: target, content, text: hasMark(content) ? text.slice(1) : text }
}

/**
 * Writes a new text, unless the file was changed since it was read. What it was before us is kept
 * beside it once, when `backup` asks for that.
 * @throws UserError CLIENT_FILE_UNWRITABLE
 */
export async function writeDiskFile(
  file: DiskFile,
  text: string,
  { backup }: { backup: boolean },
): Promise<void> {
  const { path, content } = file
  try {
    const now = await readUserFile(path)
    if (now?.text !== content?.text) throw new Error('another program changed it just now')
    const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o600
    if (backup && content) {
      const bytes = Buffer.from(content.text, content.encoding)
      await createFileAtomic(backupPath(path), bytes, { mode: mode & 0o777 })
    }
    const whole = (hasMark(content) ? byteOrderMark : '') + text
    const bytes = Buffer.from(whole, content?.encoding ?? 'utf8')
    await writeFileAtomic(path, bytes, { mode: mode & 0o777 })
  } catch (error) {
    throw unwritable(path, error)
  }
}

/** @throws UserError CLIENT_FILE_UNWRITABLE */
export async function deleteDiskFile({ path }: DiskFile): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw unwritable(path, error)
  })
}

/** Where a file's content from before our first change is kept. */
export function backupPath(path: string): string {
  return `${path}.sallyport-backup`
}

function hasMark(content: UserFile | undefined): boolean {
  return content?.text.startsWith(byteOrderMark) === true
}

function unwritable(path: string, cause: unknown): UserError {
  return new UserError('CLIENT_FILE_UNWRITABLE', `${path} was not changed: ${messageOf(cause)}.`, {
    hint: 'Make the file and its folder writable for your user, and try again.',
    cause,
  })
}
