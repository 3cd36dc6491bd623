import dotenv from 'dotenv'
import { messageOf, UserError } from '../errors.ts'
import type { AppUrlJournal, JournalEntry } from './app-url-journal.ts'
import { lineOfVariable, restoreAppUrlLine } from './app-url-line.ts'
import { readUserFile, targetOf } from './user-file.ts'

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
  const target = await targetOf(path)
  const entry = journal?.files.find((one) => one.path === target)
  const text = withoutOurs(file?.text ?? '', entry)
  return { values: dotenv.parse(text), lineOf: (name) => lineOfVariable(text, name) }
}

function withoutOurs(text: string, entry: JournalEntry | undefined): string {
  const result = entry && restoreAppUrlLine(text, entry)
  return result?.state === 'restored' ? result.text : text
}
