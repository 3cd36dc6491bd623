import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Writable } from 'node:stream'
import spawn from 'cross-spawn'
import type { StdioServerConfig } from '../../config/resolved-config.ts'
import type { Logger } from '../../lib/logger.ts'
import { type ProcessReaper, signalGroup } from '../../lib/process-reaper.ts'
import { readLines } from '../../lib/read-lines.ts'
import { settlesWithin } from '../../lib/wait.ts'
import { onOneLine } from '../wire/json-text.ts'
import { inheritedEnvironment } from './inherited-environment.ts'
import { type Transport, type TransportListener, UpstreamFailure } from './transport.ts'

/** How long a child may take to leave by itself after its stdin ended, then after SIGTERM, ms. */
const leaveMs = 1_000
const terminateMs = 1_500
const keptStderrLines = 20
/** A line without an end would otherwise grow for ever. */
const maxLineLength = 64 * 1024 * 1024

/**
 * Creates a transport over a child process (MCP stdio: one JSON-RPC message a line). The child leads a
 * process group of its own and is never left behind.
 */
export function createStdioTransport(
  options: { config: StdioServerConfig; reaper: ProcessReaper; logger: Logger },
  listener: TransportListener,
): Transport {
  const { config, reaper, logger } = options
  const stderrLines: string[] = []
  let child: ChildProcessWithoutNullStreams | undefined
  let exited: Promise<void> = Promise.resolve()
  let exitReason: string | undefined
  let isOver = false

  function write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!child?.stdin.writable || isOver) {
        return reject(new UpstreamFailure('unseen', exitReason ?? 'the process is not running'))
      }
      together(child.stdin)
      child.stdin.write(`${onOneLine(text)}\n`, (error) => {
        if (!error) return resolve()
        // The pipe breaks before the exit is reported, which says why.
        void settlesWithin(exited, leaveMs).then(() =>
          reject(new UpstreamFailure('lost', exitReason ?? error.message)),
        )
      })
    })
  }

  function start(resolve: () => void, reject: (error: Error) => void): void {
    const started = spawn(config.command, [...config.args], {
      cwd: config.cwd,
      env: { ...inheritedEnvironment(), ...config.env },
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
      })
      started.once('spawn', resolve)
      started.once('exit', (code, signal) => {
        if (!isOver) exitReason = describeExit(code, signal, stderrLines)
        isOver = true
        // Whatever the child started and did not take with it.
        if (started.pid !== undefined) signalGroup(started.pid, 'SIGKILL')
        forget()
        done()
      })
      // 'close' follows the end of the streams, so nothing the child said is lost.
      started.once('close', () => listener.onClosed(exitReason ?? 'the connection was closed'))
    })
    readLines(started.stdout, receive, maxLineLength)
    readLines(started.stderr, (line) => {
      stderrLines.push(line)
      if (stderrLines.length > keptStderrLines) stderrLines.shift()
      logger.debug('stderr', { line })
    })
    // EPIPE after the child's death; the exit tells more.
    started.stdin.on('error', () => {})
  }

  function receive(line: string): void {
    if (line.startsWith('{') || line.startsWith('[')) listener.onText(line)
    else if (line.trim()) logger.debug('skipped a line on stdout that is not JSON-RPC', { line })
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

function startFailure(config: StdioServerConfig, error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return `"${config.command}" could not be started: ${error.message}`
  return `the command "${config.command}" was not found, or its folder ${config.cwd} does not exist`
}

function describeExit(code: number | null, signal: string | null, stderrLines: string[]): string {
  const how = signal ? `was killed by ${signal}` : `exited with code ${code}`
  const words = stderrLines.filter((line) => line.trim()).slice(-3)
  return words.length > 0 ? `it ${how}: ${words.join(' | ')}` : `it ${how}`
}
