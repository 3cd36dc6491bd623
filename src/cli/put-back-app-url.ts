import { fileURLToPath } from 'node:url'
import { appUrlJournalFile, createAppUrlFiles } from '../config/app-url-files.ts'
import { readInstanceLock } from '../config/instance-lock.ts'
import { createProcessReaper } from '../lib/process-reaper.ts'

/**
 * Sees to it that the APP_URL lines of this process are put back when it dies without doing so. The
 * result ends that.
 */
export function outliveForAppUrl(home: string): () => void {
  const program = fileURLToPath(import.meta.url)
  return createProcessReaper([process.execPath, program, home, String(process.pid)]).close
}

/**
 * Puts back what a gateway that is dead has written, with the care of its journal. A gateway that has
 * taken its place in the folder has done so, or is about to, and has written lines of its own.
 * @internal
 */
export async function putBackAppUrl(home: string, pid: number): Promise<void> {
  const lock = await readInstanceLock(home)
  if (lock.state === 'held' && lock.pid !== pid) return
  const journalFile = appUrlJournalFile(home)
  await createAppUrlFiles({ files: [], journalFile, pid, isAlive: () => false }).restore()
}

if (import.meta.main) {
  const [, , home = '', pid = ''] = process.argv
  await putBackAppUrl(home, Number(pid))
}
