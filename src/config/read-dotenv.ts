import dotenv from 'dotenv'
import { lineOfVariable } from '../editing/env-format.ts'
import { readUserFile } from '../editing/user-file.ts'
import { messageOf, UserError } from '../errors.ts'
import { type AppUrlJournal, withoutOurs } from './app-url-files.ts'

/** The variables of an env file, and the line each one stands on. */
export interface DotenvFile {
  readonly values: Readonly<Record<string, string>>
  lineOf(name: string): number | undefined
}

/**
 * Reads an env file; one that does not exist is empty. With the journal of a gateway, APP_URL is
 * the user's own again, not the address that gateway wrote.
 * @throws UserError ENV_INVALID when it cannot be read
 */
export async function readDotenv(
  path: string,
  { journal }: { journal: AppUrlJournal | undefined },
): Promise<DotenvFile> {
  const file = await readUserFile(path).catch((cause: unknown) => {
    throw new UserError('ENV_INVALID', `${path} cannot be read: ${messageOf(cause)}.`, { cause })
  })
  const text = withoutOurs(file, journal)
  return { values: dotenv.parse(text), lineOf: (name) => lineOfVariable(text, name) }
}
