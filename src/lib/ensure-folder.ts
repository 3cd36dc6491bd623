import { access, constants, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, UserError } from '../errors.ts'

/**
 * Makes a folder for its owner alone, and those above it, one by one: what Node does by itself never
 * ends where the system denies a parent that is there, as under /proc. @throws the system's error
 */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (await isFolder(path)) return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await ensureFolder(dirname(path))
    await mkdir(path, { mode: 0o700 }).catch(async (second: unknown) => {
      // Another process may have been faster.
      if (!(await isFolder(path))) throw second
    })
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/**
 * Makes the folder of state where there is none.
 * @throws UserError HOME_UNWRITABLE
 */
export async function requireHome(home: string): Promise<void> {
  try {
    await ensureFolder(home)
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new UserError(
      'HOME_UNWRITABLE',
      `The folder of state ${home} cannot be written: ${messageOf(error)}.`,
      {
        hint: 'Make it writable for your user, or name another folder in SALLYPORT_HOME.',
        cause: error,
      },
    )
  }
}
