import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

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
