import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Writable } from 'node:stream'
import spawn from 'cross-spawn'
import type { StdioServerConfig } from '../../config/resolved-config.ts'
import { settlesWithin } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { type ProcessReaper, signalGroup } from '../../lib/process-reaper.ts'
import { readLines } from '../../lib/read-lines.ts'
import { redactSecrets, secretValues } from '../../lib/redact.ts'
import { onOneLine } from '../wire/json-text.ts'
import { maxMessageLength } from '../wire/message.ts'
import { tellingLine } from './last-words.ts'
import { type Transport, type TransportListener, UpstreamFailure } from './transport.ts'

/** How long a child may take to leave by itself after its stdin ended, then after SIGTERM, ms. */
const leaveMs = 1_000
const terminateMs = 1_500
const keptStderrLines = 40

/**
 * Creates a transport over a child process (MCP stdio: one JSON-RPC message a line). The child leads a
 * process group of its own and is never left behind.
 */
export function createStdioTransport(
  options: {
    config: StdioServerConfig
    /** Our own environment, of which a server gets the harmless part. */
    environment: Readonly<Record<string, string | undefined>>
    reaper: ProcessReaper
    logger: Logger
    /** Told why the child left by itself, in words for its owner alone: they may be the child's own. */
    onOwnersReason: (reason: string) => void
  },
  listener: TransportListener,
): Transport {
  const { config, reaper, logger } = options
  const secrets = secretValues(config.env)
  const stderrLines: string[] = []
  let child: ChildProcessWithoutNullStreams | undefined
  let exited: Promise<void> = Promise.resolve()
  /** Its streams are at their end as well, so that its last words are known. */
  const ended = Promise.withResolvers<void>()
  /** How the child left by itself, which anybody may hear. */
  let exitReason: string | undefined
  let leftByItself = false
  let isOver = false

  function write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      // The pipe breaks before the exit is reported, which says why.
      const fail = (kind: 'unseen' | 'lost', otherwise: string) =>
        void settlesWithin(ended.promise, leaveMs).then(() =>
          reject(new UpstreamFailure(kind, exitReason ?? otherwise)),
        )
      if (!child?.stdin.writable || isOver) return fail('unseen', 'the process is not running')
      together(child.stdin)
      child.stdin.write(`${onOneLine(text)}\n`, (error) =>
        error ? fail('lost', error.message) : resolve(),
      )
    })
  }

  function start(resolve: () => void, reject: (error: Error) => void): void {
    const started = spawn(config.command, [...config.args], {
      cwd: config.cwd,
      env: { ...harmlessPart(options.environment), ...config.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: what the command starts (npx starts node) dies with it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    }) as ChildProcessWithoutNullStreams
    child = started
    const forget = started.pid === undefined ? () => {} : reaper.watch(started.pid)
    exited = new Promise((done) => {
      started.once('error', (error) => {
        exitReason = 'it could not be started'
        options.onOwnersReason(startFailure(config, error))
        isOver = true
        forget()
        done()
        reject(new Error(exitReason))
      })
      started.once('spawn', resolve)
      started.once('exit', (code, signal) => {
        leftByItself = !isOver
        const how = signal ? `was killed by ${signal}` : `exited with code ${code}`
        if (leftByItself) exitReason = `it ${how}`
        isOver = true
        // Whatever the child started and did not take with it.
        if (started.pid !== undefined) signalGroup(started.pid, 'SIGKILL')
        forget()
        done()
      })
      // 'close' follows the end of the streams, so nothing the child said is lost.
      started.once('close', () => {
        if (leftByItself && exitReason) options.onOwnersReason(withWords(exitReason, stderrLines))
        ended.resolve()
        listener.onClosed(exitReason ?? 'the connection was closed')
      })
    })
    readLines(started.stdout, receive, maxMessageLength)
    readLines(started.stderr, (said) => {
      const line = redactSecrets(said, secrets)
      stderrLines.push(line)
      if (stderrLines.length > keptStderrLines) stderrLines.shift()
      logger.debug('stderr', { line })
    })
    // EPIPE after the child's death; the exit tells more.
    started.stdin.on('error', () => {})
  }

  function receive(line: string): void {
    if (line.startsWith('{') || line.startsWith('[')) listener.onText(line)
    else if (line.trim()) {
      const safe = redactSecrets(line, secrets)
      logger.debug('skipped a line on stdout that is not JSON-RPC', { line: safe })
    }
  }

  return {
    open: () => new Promise(start),
    send({ id, text }) {
      write(text).catch((failure: UpstreamFailure) => listener.onFailure(id, failure))
      return () => {}
    },
    post: write,
    async close() {
      if (!child?.pid || isOver) return exited
      isOver = true
      child.stdin.end()
      if (await settlesWithin(exited, leaveMs)) return
      signalGroup(child.pid, 'SIGTERM')
      if (await settlesWithin(exited, terminateMs)) return
      signalGroup(child.pid, 'SIGKILL')
      await exited
    },
  }
}

/** What is written in one turn of the event loop, for whatever clients, goes out in one piece. */
function together(stdin: Writable): void {
  if (stdin.writableCorked > 0) return
  stdin.cork()
  setImmediate(() => stdin.uncork())
}

/** What programs need to find their way, and no secret is in; the same that MCP's own clients pass on. */
const harmless =
  process.platform === 'win32'
    ? [
        'APPDATA',
        'HOMEDRIVE',
        'HOMEPATH',
        'LOCALAPPDATA',
        'PATH',
        'PROCESSOR_ARCHITECTURE',
        'SYSTEMDRIVE',
        'SYSTEMROOT',
        'TEMP',
        'USERNAME',
        'USERPROFILE',
        'PROGRAMFILES',
      ]
    : ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER']

function harmlessPart(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    harmless.flatMap((name) => {
      const value = environment[name]
      // What begins so is a function of bash, and code.
      return value === undefined || value.startsWith('()') ? [] : [[name, value]]
    }),
  )
}

function startFailure(config: StdioServerConfig, error: NodeJS.ErrnoException): string {
  const { command, cwd } = config
  if (error.code !== 'ENOENT') return `"${command}" could not be started: ${error.message}`
  return existsSync(cwd) ? `the command "${command}" was not found` : `there is no folder ${cwd}`
}

function withWords(how: string, stderrLines: readonly string[]): string {
  const line = tellingLine(stderrLines)
  return line === undefined ? how : `${how}: ${line} (LOG_LEVEL=debug shows all it writes)`
}
