import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import { ensureFolder } from '../lib/ensure-folder.ts'

/**
 * Writes a file of the certificates folder, and the folder if need be, unless it has this content
 * already. Throws UserError CERTIFICATE_UNWRITABLE.
 */
export async function updateHomeFile(
  path: string,
  content: string,
  options: { mode: number },
): Promise<void> {
  // Missing or unreadable: the write tells.
  const previous = await readFile(path, 'utf8').catch(() => undefined)
  if (previous === content) return
  try {
    await ensureFolder(dirname(path))
    await writeFileAtomic(path, content, options)
  } catch (error) {
    throw new UserError(
      'CERTIFICATE_UNWRITABLE',
      `The file ${path} cannot be written: ${messageOf(error)}.`,
      { hint: 'Make its folder writable for your user, and start again.', cause: error },
    )
  }
}
