import { UserError } from '../errors.ts'
import { createSerial } from '../lib/serial.ts'
import { planFile, type RestoredFile, undoFile } from './app-url-file.ts'
import { type AppUrlJournal, readAppUrlJournal, writeAppUrlJournal } from './app-url-journal.ts'
import { targetOf, writeUserFile } from './user-file.ts'

export type { RestoredFile } from './app-url-file.ts'

interface AppUrlFilesOptions {
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
}

/** The APP_URL line of the user's files, as long as the gateway runs. */
export interface AppUrlFiles {
  /**
   * Writes the address into every file. The first call remembers what was there.
   * @throws UserError ENV_FILE_UNWRITABLE, or ALREADY_RUNNING when a live gateway owns the files
   */
  set(url: string): Promise<void>
  /** Puts back what was there before this process came. Reports each file, and never rejects. */
  restore(): Promise<readonly RestoredFile[]>
  /** Puts back what a gateway that crashed left behind; leaves a live gateway's changes alone. */
  recover(): Promise<Recovery>
}

export type Recovery =
  | { readonly state: 'nothing' }
  | { readonly state: 'recovered'; readonly files: readonly RestoredFile[] }
  | { readonly state: 'owned'; readonly pid: number }

/** Keeps APP_URL in the user's files. Nothing is read or written before the first call. */
export function createAppUrlFiles(options: AppUrlFilesOptions): AppUrlFiles {
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
    // The journal comes first: a crash between the two leaves lines that can be recognized.
    await writeAppUrlJournal(journalFile, { pid, files: plans.map((plan) => plan.entry) })
    for (const plan of plans) await writeUserFile(plan.entry.path, plan.file)
  }

  async function restore(): Promise<readonly RestoredFile[]> {
    const journal = await readAppUrlJournal(journalFile)
    const files = journal?.pid === pid ? await undo(journal, journalFile) : []
    stopWatch?.()
    stopWatch = undefined
    return files
  }

  return {
    set: (url) => serial(() => set(url)),
    restore: () => serial(restore),
    recover: () => serial(recover),
  }
}

/** Whether a process of this number runs, be it ours or another user's. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function undo(journal: AppUrlJournal, journalFile: string): Promise<RestoredFile[]> {
  const restored = await Promise.all(journal.files.map(undoFile))
  const failed = new Set(restored.filter((one) => one.outcome === 'failed').map((one) => one.path))
  const left = journal.files.filter((entry) => failed.has(entry.path))
  // Another gateway may have begun a journal of its own meanwhile.
  if ((await readAppUrlJournal(journalFile))?.pid !== journal.pid) return restored
  // What cannot be written now is found by the next start, which reads the same journal.
  await writeAppUrlJournal(journalFile, { ...journal, files: left }).catch(() => undefined)
  return restored
}

function requireRecovered(recovery: Recovery): void {
  if (recovery.state !== 'owned') return
  throw new UserError(
    'ALREADY_RUNNING',
    `Another gateway (process ${recovery.pid}) keeps APP_URL in the files of this project.`,
    { hint: 'Stop it first, or give this one a SALLYPORT_HOME and APP_URL_FILES of its own.' },
  )
}
