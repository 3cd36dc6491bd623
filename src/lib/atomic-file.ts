import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file so that a reader sees the old content or the new one, never a part: to a temporary
 * file beside it, synced, then renamed. Keeps the mode of a file that exists unless `mode` is given.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const mode = options.mode ?? (await modeOf(path)) ?? 0o644
  await placeFile({ path, content, mode }, rename)
}

/**
 * Creates a file with its whole content at once. Returns false, and leaves the file alone, when it
 * exists already: of several processes that try, exactly one gets true.
 */
export async function createFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { mode: number },
): Promise<boolean> {
  try {
    // Unlike a rename, a hard link fails when the name is taken.
    await placeFile({ path, content, mode: options.mode }, link)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function placeFile(
  file: { path: string; content: string | Uint8Array; mode: number },
  place: (temporary: string, path: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(file.path)
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `.${basename(file.path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const handle = await open(temporary, 'wx', file.mode)
    try {
      // The mode given to open() is narrowed by the umask.
      await handle.chmod(file.mode)
      await handle.writeFile(file.content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await place(temporary, file.path)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined)
  return info && info.mode & 0o777
}
