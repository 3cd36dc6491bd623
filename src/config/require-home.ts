import { access, constants } from 'node:fs/promises'
import { messageOf, UserError } from '../errors.ts'
import { ensureFolder } from '../lib/ensure-folder.ts'

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
