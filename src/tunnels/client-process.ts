import { type ChildProcess, spawn } from 'node:child_process'
import { settlesWithin } from '../lib/clock.ts'
import { signalGroup } from '../lib/process-reaper.ts'
import { readLines } from '../lib/read-lines.ts'
import { redactSecrets } from '../lib/redact.ts'
import type { TunnelDependencies } from './tunnel-provider.ts'

/** How long a client may take to leave after SIGTERM before it is killed, ms. */
const leaveMs = 1_500
const keptLines = 12

/** A tunnel client in a process group of its own. */
export interface ClientProcess {
  readonly pid: number | undefined
  /** Resolves when the process is gone, also when it could not be started. Never rejects. */
  readonly exited: Promise<ClientExit>
  /** Sends a message to a client that was started with `ipc`. */
  send(message: object): void
  /** Ends the whole group. Safe to call twice; nothing of the group runs when it resolves. */
  stop(): Promise<void>
}

export interface ClientExit {
  /** `exited with code 1`, `was killed by SIGKILL`, or why it could not be started. */
  readonly how: string
  /** Set when the program could not be started at all, as with ENOENT. */
  readonly startError: NodeJS.ErrnoException | undefined
  /** The last lines it said, redacted. */
  readonly lastWords: string
}

export interface ClientCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Runs `command` as a line of the system's shell. */
  readonly shell?: boolean
  /** Opens a channel for messages of Node's own kind. */
  readonly ipc?: boolean
  /** Never appear in what is logged or reported. */
  readonly secrets: readonly string[]
  /** Each line of stdout and stderr, as it was said: secrets and all. */
  readonly onLine?: (line: string) => void
  readonly onMessage?: (message: unknown) => void
}

/** Starts a client; the reaper kills its group should this process die first. */
export function startClient(
  command: ClientCommand,
  { reaper, logger }: Pick<TunnelDependencies, 'reaper' | 'logger'>,
): ClientProcess {
  const child = spawn(command.command, [...command.args], {
    env: { ...command.env },
    ...(command.cwd !== undefined && { cwd: command.cwd }),
    shell: command.shell ?? false,
    stdio: command.ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) readLines(stream, hear)
  }
  if (command.onMessage) child.on('message', command.onMessage)

  function hear(line: string): void {
    if (line.trim() === '') return
    const safe = redactSecrets(line, command.secrets)
    words.push(safe)
    if (words.length > keptLines) words.shift()
    logger.debug('client', { line: safe })
    command.onLine?.(line)
  }

  const forget = child.pid === undefined ? () => {} : reaper.watch(child.pid)
  const exited = exitOf(child).then(({ how, startError }): ClientExit => {
    // Whatever the client started and did not take with it.
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    forget()
    return { how: redactSecrets(how, command.secrets), startError, lastWords: words.join('\n') }
  })

  return {
    pid: child.pid,
    exited,
    send(message) {
      // A client that is gone answers by its exit.
      child.send(message, () => {})
    },
    async stop() {
      if (child.pid === undefined) return
      if (isRunning(child)) signalGroup(child.pid, 'SIGTERM')
      if (!(await settlesWithin(exited, leaveMs))) signalGroup(child.pid, 'SIGKILL')
      await exited
    },
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function exitOf(child: ChildProcess): Promise<Pick<ClientExit, 'how' | 'startError'>> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ how: error.message, startError: error })
    })
    child.once('exit', (code, signal) => {
      const how = signal ? `was killed by ${signal}` : `exited with code ${code}`
      // 'close' comes once the output is read to its end, unless a grandchild holds the pipe.
      const timer = setTimeout(done, 200)
      child.once('close', done)
      function done(): void {
        clearTimeout(timer)
        child.stdout?.destroy()
        child.stderr?.destroy()
        resolve({ how, startError: undefined })
      }
    })
  })
}

/**
 * What a tunnel client may see of our environment. No proxy variables: localtunnel hangs for ever
 * behind them, ngrok refuses them on its free plan. No `TUNNEL_*`: cloudflared reads each as a
 * flag. No token but its own.
 */
const passedOn = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'APPDATA',
  'LOCALAPPDATA',
  'PATHEXT',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'USERPROFILE',
  'WINDIR',
] as const

/** The environment of a client: the harmless part of ours, and `extra`. */
export function clientEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = passedOn.flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), ...extra }
}
