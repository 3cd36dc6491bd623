import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { settlesWithin } from '../lib/clock.ts'
import { type ProcessReaper, signalGroup } from '../lib/process-reaper.ts'

/** A command line that runs in a process group of its own. */
export interface CompanionShell {
  readonly child: ChildProcess
  /** Asks the whole tree to stop; kills what is left after `graceMs`. Safe to call twice. */
  stop(graceMs: number): Promise<void>
  /** Kills the whole tree now; for an `exit` handler. */
  kill(): void
}

/** Starts a command line so that it, and all it starts, can be ended and never outlives us. */
export function spawnCompanion(
  command: string,
  options: SpawnOptions & { readonly reaper: ProcessReaper },
): CompanionShell {
  return process.platform === 'win32'
    ? spawnWindows(command, options)
    : spawnPosix(command, options)
}

function spawnPosix(
  command: string,
  { reaper, ...options }: SpawnOptions & { readonly reaper: ProcessReaper },
): CompanionShell {
  const child = spawn('/bin/sh', ['-c', command], { ...options, detached: true })
  const group = child.pid
  const closed = closeOf(child)
  if (group === undefined) return { child, stop: () => closed, kill: () => {} }
  const unwatch = reaper.watch(group)
  // The id of a group without members may be given to a stranger; one with members may not.
  void closed.then(() => isGroup(group) || unwatch())
  return {
    child,
    async stop(graceMs) {
      signalGroup(group, 'SIGTERM')
      await settlesWithin(closed, graceMs)
      signalGroup(group, 'SIGKILL')
      await closed
      unwatch()
    },
    kill: () => void signalGroup(group, 'SIGKILL'),
  }
}

function isGroup(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    // ESRCH: nobody is left in it.
    return false
  }
}

// Windows has no process groups: taskkill walks the tree. `cmd.exe` cannot be asked politely.
function spawnWindows(command: string, options: SpawnOptions): CompanionShell {
  const child = spawn('cmd.exe', ['/d', '/s', '/c', `"${command}"`], {
    ...options,
    windowsVerbatimArguments: true,
    windowsHide: true,
  })
  const closed = closeOf(child)
  const kill = () => {
    if (child.pid !== undefined) execFile('taskkill', ['/PID', String(child.pid), '/T', '/F'])
  }
  return {
    child,
    stop() {
      kill()
      return closed
    },
    kill,
  }
}

/** Resolves when the process has ended and its output is read; also when it did not start. */
function closeOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
}
