import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import { getDefaultEnvironment } from '@modelcontextprotocol/client/stdio'
import spawn from 'cross-spawn'
import type { StdioServerConfig } from '../../config/resolved-config.ts'
import type { Logger } from '../../lib/logger.ts'
import { type ProcessReaper, signalGroup } from '../../lib/process-reaper.ts'
import { readLines } from '../../lib/read-lines.ts'
import { redactSecrets, secretValues } from '../../lib/redact.ts'
import { settlesWithin } from '../../lib/wait.ts'
import { tellingLine } from './last-words.ts'

/** How long a child may take to leave by itself after its stdin ended, then after SIGTERM, ms. */
const leaveMs = 1_000
const terminateMs = 1_500
const keptStderrLines = 40
/** A line without an end would otherwise grow for ever. */
const maxLineLength = 64 * 1024 * 1024

/** A stdio transport whose child leads a process group of its own and is never left behind. */
export interface StdioTransport extends Transport {
  /** Both names make the SDK treat it as a stdio transport when it probes the protocol era. */
  readonly pid: number | null
  readonly stderr: null
  /** How the child left by itself, which anybody may hear; undefined otherwise. */
  exitReason(): string | undefined
}

/**
 * Creates a transport over a child process (MCP stdio: one JSON-RPC message a line). Lines on
 * stdout that are no JSON-RPC are logged and skipped, as many servers print there by mistake.
 */
export function createStdioTransport(options: {
  config: StdioServerConfig
  reaper: ProcessReaper
  logger: Logger
  /** Told why the child left by itself, in words for its owner alone: they may be the child's own. */
  onOwnersReason: (reason: string) => void
}): StdioTransport {
  const { config, reaper, logger } = options
  const secrets = secretValues(config.env)
  const stderrLines: string[] = []
  let child: ChildProcessWithoutNullStreams | undefined
  let exited: Promise<void> = Promise.resolve()
  /** Its streams are at their end as well, so that its last words are known. */
  const ended = Promise.withResolvers<void>()
  let exitReason: string | undefined
  let leftBy: string | undefined
  let isOver = false

  const transport: StdioTransport = {
    get pid() {
      return child?.pid ?? null
    },
    stderr: null,
    exitReason: () => exitReason,
    start() {
      return new Promise((resolve, reject) => {
        const started = spawn(config.command, [...config.args], {
          cwd: config.cwd,
          env: { ...getDefaultEnvironment(), ...config.env },
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
            transport.onclose?.()
          })
          started.once('spawn', () => resolve())
          // 'close' follows the end of the streams, so nothing the child said is lost.
          started.once('exit', (code, signal) => {
            const how = signal ? `was killed by ${signal}` : `exited with code ${code}`
            if (!isOver) leftBy = exitReason = `it ${how}`
            isOver = true
            // Whatever the child started and did not take with it.
            if (started.pid !== undefined) signalGroup(started.pid, 'SIGKILL')
            forget()
            done()
          })
          started.once('close', () => {
            inbox.end()
            if (leftBy !== undefined) options.onOwnersReason(withWords(leftBy, stderrLines))
            ended.resolve()
            transport.onclose?.()
          })
        })
        readLines(started.stdout, receive, maxLineLength)
        readLines(started.stderr, (said) => {
          const line = redactSecrets(said, secrets)
          stderrLines.push(line)
          if (stderrLines.length > keptStderrLines) stderrLines.shift()
          logger.debug('stderr', { line })
        })
        // EPIPE after the child's death; the exit tells more.
        started.stdin.on('error', () => {})
      })
    },
    send(message) {
      return new Promise((resolve, reject) => {
        // The pipe breaks before the exit is reported, which says why.
        const fail = (otherwise: string) =>
          void settlesWithin(ended.promise, leaveMs).then(() =>
            reject(new Error(exitReason ?? otherwise)),
          )
        if (!child?.stdin.writable || isOver) return fail('the process is not running')
        child.stdin.write(`${JSON.stringify(message)}\n`, (error) =>
          error ? fail(error.message) : resolve(),
        )
      })
    },
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

  const inbox = createInbox((message) => transport.onmessage?.(message))
  function receive(line: string): void {
    const message = parseMessage(line)
    if (message) inbox.add(message)
    else if (line.trim()) {
      const safe = redactSecrets(line, secrets)
      logger.debug('skipped a line on stdout that is not JSON-RPC', { line: safe })
    }
  }
  return transport
}

/**
 * Hands messages on in order, with a turn of the event loop after each notification: the SDK acts
 * on notifications later than on responses, so a result in the same chunk would overtake the
 * progress that was sent before it.
 */
function createInbox(deliver: (message: JSONRPCMessage) => void) {
  const waiting: JSONRPCMessage[] = []
  let pause: NodeJS.Immediate | undefined
  function drain(): void {
    pause = undefined
    for (let message = waiting.shift(); message; message = waiting.shift()) {
      deliver(message)
      if (!('id' in message)) {
        // Even when nothing waits yet: the rest of the chunk is still being cut into lines.
        pause = setImmediate(drain)
        return
      }
    }
  }
  return {
    add(message: JSONRPCMessage): void {
      waiting.push(message)
      if (!pause) drain()
    },
    /** Delivers what is left, before the end of the stream is announced. */
    end(): void {
      clearImmediate(pause)
      for (const message of waiting.splice(0)) deliver(message)
    },
  }
}

function parseMessage(line: string): JSONRPCMessage | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    const isMessage = typeof value === 'object' && value !== null && 'jsonrpc' in value
    return isMessage ? (value as JSONRPCMessage) : undefined
  } catch {
    // Not JSON: the caller logs the line.
    return undefined
  }
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
