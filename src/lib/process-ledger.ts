import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { writeFileAtomic } from './atomic-file.ts'
import { type ProcessReaper, signalGroup } from './process-reaper.ts'
import { createSerial } from './serial.ts'

/** A process as a file remembers it. */
interface Entry {
  readonly pid: number
  /** See `processIdentity`: tells it from a later process of that number. */
  readonly started: string
}

/** A reaper that also keeps the list of what it watches in a file, for the next start. */
export type ProcessLedger = ReturnType<typeof createProcessLedger>

/**
 * Wraps a reaper. What watches over our children can be killed together with us; what the file then
 * names is ended by `reapLeftovers` at the next start.
 */
export function createProcessLedger(options: {
  reaper: ProcessReaper
  /** Only one process at a time may use it. */
  path: string
}) {
  const { reaper, path } = options
  const entries = new Map<number, Entry>()
  const serial = createSerial()

  function change(edit: () => Promise<void> | void): void {
    serial(async () => {
      await edit()
      await writeFileAtomic(path, JSON.stringify([...entries.values()]), { mode: 0o600 })
    }).catch(() => {
      // The list is the second net; a full disk must not keep tunnels from opening.
    })
  }

  return {
    watch(pid: number) {
      const forget = reaper.watch(pid)
      change(async () => {
        const started = await processIdentity(pid)
        if (started !== undefined) entries.set(pid, { pid, started })
      })
      return () => {
        forget()
        change(() => void entries.delete(pid))
      }
    },
    close: () => reaper.close(),
    /** Resolves when the file says what is watched now. Never rejects. */
    settled: () => serial(() => {}),
  }
}

/**
 * Ends the process groups that a run which was killed left behind, and removes its list. A process
 * that cannot be told from a stranger is left alone. Returns how many were ended; never rejects.
 */
export async function reapLeftovers(path: string): Promise<number> {
  const entries = parse(await readFile(path, 'utf8').catch(() => '[]'))
  const ended = await Promise.all(entries.map(endIfSame))
  await rm(path, { force: true }).catch(() => {
    // Read again by the next start, which then finds nothing of it alive.
  })
  return ended.filter(Boolean).length
}

/** The processes such a list names that still run; changes nothing, and never rejects. */
export async function findLeftovers(path: string): Promise<number[]> {
  const entries = parse(await readFile(path, 'utf8').catch(() => '[]'))
  const living = await Promise.all(
    entries.map(async ({ pid, started }) =>
      (await processIdentity(pid)) === started ? [pid] : [],
    ),
  )
  return living.flat()
}

async function endIfSame({ pid, started }: Entry): Promise<boolean> {
  // Nobody waits for it any more, so it gets no time to say goodbye.
  return (await processIdentity(pid)) === started && signalGroup(pid, 'SIGKILL')
}

function parse(text: string): Entry[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.filter(isEntry) : []
  } catch {
    // Torn by a crash: nothing can be told from it.
    return []
  }
}

function isEntry(value: unknown): value is Entry {
  const { pid, started } = Object(value) as Partial<Entry>
  // 0 and 1 would mean our own group and everything else.
  return Number.isSafeInteger(pid) && Number(pid) > 1 && typeof started === 'string'
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

/**
 * A string that stays the same as long as a process lives and differs for a later process that was
 * given the same id: the time it started. `undefined` when there is no such process, or when the
 * system does not tell.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return linuxIdentity(pid)
  const identity = await (process.platform === 'win32' ? windowsStart(pid) : posixStart(pid))
  return identity?.trim() || undefined
}

async function linuxIdentity(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    // proc_pid_stat(5): the name in parentheses may hold anything, so count from its end. The state
    // is field 3, the start time in clock ticks since boot is field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined
    return `${boot.trim()}:${fields[19]}`
  } catch {
    // No such process, which is what `undefined` says.
    return undefined
  }
}

function posixStart(pid: number): Promise<string | undefined> {
  // The format follows locale and time zone, so both are fixed.
  const env = { LC_ALL: 'C', TZ: 'UTC' }
  return run('/bin/ps', { args: ['-o', 'lstart=', '-p', String(pid)], env })
}

function windowsStart(pid: number): Promise<string | undefined> {
  const script = `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`
  return run('powershell.exe', { args: ['-NoProfile', '-NonInteractive', '-Command', script] })
}

function run(
  command: string,
  { args, env }: { args: string[]; env?: Record<string, string> },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: 5000, windowsHide: true, ...(env && { env }) }
    execFile(command, args, options, (error, stdout) => resolve(error ? undefined : stdout))
  })
}
