import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { writeFileAtomic } from '../lib/atomic-file.ts'

const journalSchema = z.object({
  /** The gateway whose addresses stand in the files. */
  pid: z.int().positive(),
  files: z.array(
    z.object({
      /** Absolute, links resolved. */
      path: z.string(),
      /** The file did not exist before us. */
      created: z.boolean(),
      before: z.string().nullable(),
      joint: z.string(),
      /** Every line we have written there; after a crash, any of them may be the present one. */
      written: z.array(z.string()),
    }),
  ),
})

/** What a gateway has changed in the user's files, and how to undo it. */
export type AppUrlJournal = z.output<typeof journalSchema>
export type JournalEntry = AppUrlJournal['files'][number]

/** Where the journal of a project lies. */
export function appUrlJournalFile(home: string): string {
  return join(home, 'app-url-journal.json')
}

/** Reads the journal; undefined when there is none, or none that can be understood. */
export async function readAppUrlJournal(file: string): Promise<AppUrlJournal | undefined> {
  try {
    return journalSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    // A journal that is damaged cannot say what to undo; the files are better left alone.
    return undefined
  }
}

/** Replaces the journal; one without files is removed. */
export async function writeAppUrlJournal(file: string, journal: AppUrlJournal): Promise<void> {
  if (journal.files.length === 0) await rm(file, { force: true })
  else await writeFileAtomic(file, `${JSON.stringify(journal, null, 2)}\n`, { mode: 0o600 })
}
