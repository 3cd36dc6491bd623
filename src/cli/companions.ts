import { existsSync } from 'node:fs'
import { Writable } from 'node:stream'
import type { CompanionProcess } from '../config/resolved-config.ts'
import { messageOf } from '../errors.ts'
import { createProcessReaper, type ProcessReaper } from '../lib/process-reaper.ts'
import { type CompanionShell, spawnCompanion } from './companion-shell.ts'

/** The user's own processes that run beside the gateway and know its address. */
export type Companions = ReturnType<typeof createCompanions>

interface CompanionsOptions {
  /** Receives the prefixed output. */
  readonly write: (chunk: string) => void
  /** A companion ended by itself, or could not be started. */
  readonly onExit: (exit: CompanionExit) => void
  readonly color: boolean
  /** How long a companion may take to end before it is killed, ms. */
  readonly graceMs: number
}

/** @internal */
export interface CompanionExit {
  readonly name: string
  /** An exit code, a signal's name, or the reason why it did not start. */
  readonly outcome: number | string
}

/** Creates the keeper of companion processes; `concurrently` runs them and marks their output. */
export function createCompanions(options: CompanionsOptions) {
  const reaper = createProcessReaper()
  let running: CompanionShell[] = []
  let ending: CompanionShell[] = []
  let queue = Promise.resolve()
  const stop = async () => {
    ending = running
    running = []
    await Promise.all(ending.map((shell) => shell.stop(options.graceMs)))
    ending = []
  }
  // One change at a time: a stop that comes during a start stops what was started.
  const enqueue = (task: () => Promise<void>) => {
    queue = queue.then(task, task)
    return queue
  }
  return {
    /** Stops the running ones, then starts `processes` with `appUrl` in their environment. */
    restart: (processes: readonly CompanionProcess[], appUrl: string): Promise<void> =>
      enqueue(async () => {
        await stop()
        if (processes.length === 0) return
        const shells: CompanionShell[] = []
        running = shells
        await start(processes, {
          ...options,
          ...{ appUrl, reaper, shells, isCurrent: () => running === shells },
        })
      }),
    /** Stops all for good, with every process they started. Safe to call twice. */
    stop: (): Promise<void> =>
      enqueue(async () => {
        await stop()
        reaper.close()
      }),
    /** Kills all at once; for an `exit` handler. */
    kill(): void {
      for (const shell of [...running, ...ending]) shell.kill()
    },
  }
}

interface StartOptions extends CompanionsOptions {
  readonly appUrl: string
  readonly reaper: ProcessReaper
  /** Gets every shell that is spawned. */
  readonly shells: CompanionShell[]
  /** False once these are being stopped: their end is no news then. */
  readonly isCurrent: () => boolean
}

async function start(
  processes: readonly CompanionProcess[],
  { appUrl, reaper, shells, isCurrent, onExit, write, color }: StartOptions,
): Promise<void> {
  // Loaded on demand: most projects have no companions, and it costs start-up time.
  const { createConcurrently, Logger, LogOutput } = await import('concurrently')
  const logger = new Logger({ prefixFormat: 'name' })
  logger.toggleColors(color)
  const { commands, result } = createConcurrently(
    processes.map(({ name, command, cwd, env }) => ({
      name,
      command,
      cwd,
      env: { ...env, APP_URL: appUrl },
    })),
    {
      logger,
      outputStream: toWritable(write),
      prefixColors: ['auto'],
      controllers: [new LogOutput({ logger })],
      spawn(command, spawnOptions) {
        const shell = spawnCompanion(command, { ...spawnOptions, reaper })
        shells.push(shell)
        return shell.child
      },
    },
  )
  for (const command of commands) {
    let reported = false
    const report = (outcome: number | string) => {
      if (isCurrent() && !reported) onExit({ name: command.name, outcome })
      reported = true
    }
    command.error.subscribe((error) => report(startFailure(error, command.cwd)))
    command.close.subscribe(({ exitCode }) => report(exitCode))
  }
  // It rejects when a companion exits with a failure, which was reported above.
  result.catch(() => {})
}

// Node blames the shell ("spawn /bin/sh ENOENT") when it is the folder that does not exist.
function startFailure(error: unknown, cwd: string | undefined): string {
  return cwd && !existsSync(cwd) ? `the folder ${cwd} does not exist` : messageOf(error)
}

function toWritable(write: (chunk: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      write(String(chunk))
      done()
    },
  })
}
