import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import { getDefaultEnvironment } from '@modelcontextprotocol/client/stdio'
import spawn from 'cross-spawn'
import type { StdioServerConfig } from '../../config/resolved-config.ts'
import type { Logger } from '../../lib/logger.ts'
import { type ProcessReaper, signalGroup } from '../../lib/process-reaper.ts'
import { readLines } from '../../lib/read-lines.ts'
import { settlesWithin } from '../../lib/wait.ts'
import { createInbox } from './inbox.ts'

/** How long a child may take to leave by itself after its stdin ended, then after SIGTERM, ms. */
const leaveMs = 1_000
const terminateMs = 1_500
const keptStderrLines = 20
/** A line without an end would otherwise grow for ever. */
const maxLineLength = 64 * 1024 * 1024

/** A stdio transport whose child leads a process group of its own and is never left behind. */
export interface StdioTransport extends Transport {
  /** Both names make the SDK treat it as a stdio transport when it probes the protocol era. */
  readonly pid: number | null
  readonly stderr: null
  /** Why the child left by itself, with the last words of its stderr; undefined otherwise. */
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
}): StdioTransport {
  const { config, reaper, logger } = options
  const stderrLines: string[] = []
  let child: ChildProcessWithoutNullStreams | undefined
  let exited: Promise<void> = Promise.resolve()
  let exitReason: string | undefined
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
            exitReason = startFailure(config, error)
            isOver = true
            forget()
            done()
            reject(new Error(exitReason))
            transport.onclose?.()
          })
          started.once('spawn', () => resolve())
          // 'close' follows the end of the streams, so nothing the child said is lost.
          started.once('exit', (code, signal) => {
            if (!isOver) exitReason = describeExit(code, signal, stderrLines)
            isOver = true
            // Whatever the child started and did not take with it.
            if (started.pid !== undefined) signalGroup(started.pid, 'SIGKILL')
            forget()
            done()
          })
          started.once('close', () => {
            inbox.end()
            transport.onclose?.()
          })
        })
        readLines(started.stdout, receive, maxLineLength)
        readLines(started.stderr, (line) => {
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
        if (!child?.stdin.writable || isOver) {
          return reject(new Error(exitReason ?? 'the process is not running'))
        }
        child.stdin.write(`${JSON.stringify(message)}\n`, (error) => {
          if (!error) return resolve()
          // The pipe breaks before the exit is reported, which says why.
          void settlesWithin(exited, leaveMs).then(() =>
            reject(new Error(exitReason ?? error.message)),
          )
        })
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
    else if (line.trim()) logger.debug('skipped a line on stdout that is not JSON-RPC', { line })
  }
  return transport
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
  if (error.code !== 'ENOENT') return `"${config.command}" could not be started: ${error.message}`
  return `the command "${config.command}" was not found, or its folder ${config.cwd} does not exist`
}

function describeExit(code: number | null, signal: string | null, stderrLines: string[]): string {
  const how = signal ? `was killed by ${signal}` : `exited with code ${code}`
  const words = stderrLines.filter((line) => line.trim()).slice(-3)
  return words.length > 0 ? `it ${how}: ${words.join(' | ')}` : `it ${how}`
}
