import { messageOf } from '../errors.ts'
import type { JournalEntry } from './app-url-journal.ts'
import { restoreAppUrlLine, setAppUrlLine } from './app-url-line.ts'
import {
  envFileUnwritable,
  readUserFile,
  requireWritable,
  type UserFile,
  writeUserFile,
} from './user-file.ts'

/** What became of one file. */
export type RestoredFile =
  | { readonly path: string; readonly outcome: 'restored' | 'removed' | 'unchanged' }
  /** The user, or another program, changed the line meanwhile; it was left alone. */
  | { readonly path: string; readonly outcome: 'edited' }
  /** It could not be read or written; the journal keeps it for the next start. */
  | { readonly path: string; readonly outcome: 'failed'; readonly message: string }

/** A change of one file that has not been made yet, and what the journal must say of it. */
interface FilePlan {
  readonly entry: JournalEntry
  readonly file: UserFile
}

/**
 * Plans to set the address. Always starts from the user's own text, so that only their line is
 * ever remembered as theirs.
 * @throws UserError ENV_FILE_UNWRITABLE
 */
export async function planFile(
  path: string,
  { url, entry }: { url: string; entry: JournalEntry | undefined },
): Promise<FilePlan> {
  await requireWritable(path)
  const file = await readUserFile(path).catch((error: unknown) => {
    throw envFileUnwritable(path, error)
  })
  const undone = entry && file ? restoreAppUrlLine(file.text, entry) : undefined
  const original = undone?.state === 'restored' ? undone.text : (file?.text ?? '')
  const result = setAppUrlLine(original, url)
  if (!result.ok) {
    throw envFileUnwritable(path, 'quotes that are left open would swallow the line')
  }
  const earlier = undone && undone.state !== 'edited' && entry ? entry.written : []
  const { before, joint, written } = result.edit
  const created = file === undefined || (entry?.created === true && original === '')
  return {
    entry: { path, created, before, joint, written: [...new Set([...earlier, written])] },
    file: { text: result.text, encoding: file?.encoding ?? 'utf8' },
  }
}

/** Puts back what a journal entry remembers. Never rejects. */
export async function undoFile(entry: JournalEntry): Promise<RestoredFile> {
  const { path } = entry
  try {
    const file = await readUserFile(path)
    if (!file) return { path, outcome: entry.before === null ? 'unchanged' : 'edited' }
    const result = restoreAppUrlLine(file.text, entry)
    if (result.state !== 'restored') return { path, outcome: result.state }
    const isOurs = entry.created && result.text === ''
    await writeUserFile(path, isOurs ? undefined : { ...file, text: result.text })
    return { path, outcome: isOurs ? 'removed' : 'restored' }
  } catch (error) {
    return { path, outcome: 'failed', message: messageOf(error) }
  }
}
