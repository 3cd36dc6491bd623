import { access, constants, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import dotenv from 'dotenv'
import * as z from 'zod'
import { entryMemorySchema, putEntry, takeEntry } from '../editing/edit-entry.ts'
import { envFormat } from '../editing/env-format.ts'
import { readUserFile, targetOf, type UserFile, writeUserFile } from '../editing/user-file.ts'
import { messageOf, UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import { createSerial } from '../lib/serial.ts'

const journalSchema = z.object({
  /** The gateway whose addresses stand in the files. */
  pid: z.int().positive(),
  files: z.array(
    z.object({
      /** Absolute, links resolved. */
      path: z.string(),
      /** The file did not exist before us. */
      created: z.boolean(),
      memory: entryMemorySchema,
    }),
  ),
})

/** What a gateway has changed in the user's files, and how to undo it. */
export type AppUrlJournal = z.output<typeof journalSchema>
type JournalEntry = AppUrlJournal['files'][number]

/** What became of one file. */
export type RestoredFile =
  | { readonly path: string; readonly outcome: 'restored' | 'removed' | 'unchanged' }
  /** The user, or another program, changed the line meanwhile; it was left alone. */
  | { readonly path: string; readonly outcome: 'edited' }
  /** It could not be read or written; the journal keeps it for the next start. */
  | { readonly path: string; readonly outcome: 'failed'; readonly message: string }

export type Recovery =
  | { readonly state: 'nothing' }
  | { readonly state: 'recovered'; readonly files: readonly RestoredFile[] }
  | { readonly state: 'owned'; readonly pid: number }

/** The APP_URL line of the user's files, as long as the gateway runs. */
export type AppUrlFiles = ReturnType<typeof createAppUrlFiles>

/** Keeps APP_URL in the user's files. Nothing is read or written before the first call. */
export function createAppUrlFiles(options: {
  /** Absolute paths of the files to keep APP_URL in. */
  readonly files: readonly string[]
  /** Where to remember what was there before; see `appUrlJournalFile`. */
  readonly journalFile: string
  /** The process that owns the changes. */
  readonly pid: number
  /** Whether another process still runs and so still owns its changes. */
  readonly isAlive: (pid: number) => boolean
  /** Called before the first change: whoever it sets to watch puts the lines back if we cannot. */
  readonly outlive?: () => () => void
}) {
  const { files, journalFile, pid, isAlive, outlive } = options
  let stopWatch: (() => void) | undefined
  const serial = createSerial()

  async function recover(): Promise<Recovery> {
    const journal = await readAppUrlJournal(journalFile)
    if (!journal) return { state: 'nothing' }
    if (journal.pid !== pid && isAlive(journal.pid)) return { state: 'owned', pid: journal.pid }
    return { state: 'recovered', files: await undo(journal, journalFile) }
  }

  async function set(url: string): Promise<void> {
    const journal = await readAppUrlJournal(journalFile)
    if (journal && journal.pid !== pid) requireRecovered(await recover())
    const entries = journal?.pid === pid ? journal.files : []
    const paths = [...new Set(await Promise.all(files.map(targetOf)))]
    const plans = await Promise.all(
      paths.map((path) => planFile(path, { url, entry: entries.find((one) => one.path === path) })),
    )
    stopWatch ??= outlive?.()
    // The journal comes first: a crash between the two leaves values that can be recognized.
    await writeJournal(journalFile, { pid, files: plans.flatMap(({ entry }) => entry ?? []) })
    for (const { file, text } of plans) {
      if (text === file.text) continue
      await writeUserFile(file, text).catch((error: unknown) => {
        throw envFileUnwritable(file.path, error)
      })
    }
  }

  async function restore(): Promise<readonly RestoredFile[]> {
    const journal = await readAppUrlJournal(journalFile)
    const restored = journal?.pid === pid ? await undo(journal, journalFile) : []
    stopWatch?.()
    stopWatch = undefined
    return restored
  }

  return {
    /**
     * Writes the address into every file. The first call remembers what was there.
     * @throws UserError ENV_FILE_UNWRITABLE, or ALREADY_RUNNING when a live gateway owns the files
     */
    set: (url: string) => serial(() => set(url)),
    /** Puts back what was there before this process came. Reports each file, and never rejects. */
    restore: () => serial(restore),
    /** Puts back what a gateway that crashed left behind; leaves a live gateway's changes alone. */
    recover: () => serial(recover),
  }
}

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

/** The text of an env file as its owner wrote it, with what a gateway put there taken out. */
export function withoutOurs(file: UserFile, journal: AppUrlJournal | undefined): string {
  const entry = journal?.files.find(({ path }) => path === file.path)
  const taken = entry && takeEntry(file.text, entry.memory, { format: envFormat, force: false })
  return taken?.state === 'taken' ? taken.text : file.text
}

/** One without files is removed. */
async function writeJournal(file: string, journal: AppUrlJournal): Promise<void> {
  if (journal.files.length === 0) await rm(file, { force: true })
  else await writeFileAtomic(file, `${JSON.stringify(journal, null, 2)}\n`, { mode: 0o600 })
}

/** The text a file is to have, and what the journal must say of it. @throws UserError ENV_FILE_UNWRITABLE */
async function planFile(
  path: string,
  { url, entry }: { url: string; entry: JournalEntry | undefined },
): Promise<{ file: UserFile; text: string; entry: JournalEntry | undefined }> {
  const file = await readWritable(path).catch((error: unknown) => {
    throw envFileUnwritable(path, error)
  })
  const place = { path: ['APP_URL'], value: url }
  // Whatever stands there gives way: a value that is not ours is remembered as the user's.
  const options = { format: envFormat, memory: entry?.memory, force: true }
  const put = putEntry(file.text, place, options)
  if (put.state === 'unchanged') return { file, text: file.text, entry }
  if (put.state !== 'changed') {
    throw envFileUnwritable(path, 'quotes that are left open would swallow the line')
  }
  const created = file.bytes === undefined || entry?.created === true
  return { file, text: put.text, entry: { path, created, memory: put.memory } }
}

/** Refuses what a rename would silently override: a read-only file, a folder that is not there. */
async function readWritable(path: string): Promise<UserFile> {
  if (await stat(path).catch(() => undefined)) await access(path, constants.W_OK)
  await access(dirname(path), constants.W_OK)
  return readUserFile(path)
}

async function undo(journal: AppUrlJournal, journalFile: string): Promise<RestoredFile[]> {
  const restored = await Promise.all(journal.files.map(undoFile))
  const failed = new Set(restored.filter((one) => one.outcome === 'failed').map((one) => one.path))
  const left = journal.files.filter((entry) => failed.has(entry.path))
  // Another gateway may have begun a journal of its own meanwhile.
  if ((await readAppUrlJournal(journalFile))?.pid !== journal.pid) return restored
  // What cannot be written now is found by the next start, which reads the same journal.
  await writeJournal(journalFile, { ...journal, files: left }).catch(() => undefined)
  return restored
}

/** Puts back what a journal entry remembers. Never rejects. */
async function undoFile({ path, created, memory }: JournalEntry): Promise<RestoredFile> {
  try {
    const file = await readUserFile(path)
    if (dotenv.parse(file.text).APP_URL === memory.replaced) return { path, outcome: 'unchanged' }
    const taken = takeEntry(file.text, memory, { format: envFormat, force: false })
    if (taken.state !== 'taken') return { path, outcome: 'edited' }
    const isOurs = created && taken.text === ''
    await writeUserFile(file, isOurs ? undefined : taken.text)
    return { path, outcome: isOurs ? 'removed' : 'restored' }
  } catch (error) {
    return { path, outcome: 'failed', message: messageOf(error) }
  }
}

function requireRecovered(recovery: Recovery): void {
  if (recovery.state !== 'owned') return
  throw new UserError(
    'ALREADY_RUNNING',
    `Another gateway (process ${recovery.pid}) keeps APP_URL in the files of this project.`,
    { hint: 'Stop it first, or give this one a SALLYPORT_HOME and APP_URL_FILES of its own.' },
  )
}

/** Says that a file cannot follow the address, and why. */
function envFileUnwritable(path: string, cause: unknown): UserError {
  return new UserError(
    'ENV_FILE_UNWRITABLE',
    `APP_URL cannot be kept in ${path}: ${messageOf(cause)}.`,
    { hint: 'Make the file writable, or name other files in APP_URL_FILES.', cause },
  )
}
