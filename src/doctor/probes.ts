import { spawn } from 'node:child_process'
import type { X509Certificate } from 'node:crypto'
import { access, constants, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { getCACertificates } from 'node:tls'
import { observeTls } from '../tls/observe-tls.ts'
import { tlsAddressOf } from '../tls/upstream/tls-failures.ts'

// How the doctor looks at the machine. Each only looks, and answers within a time of its own.

export type TlsHandshake =
  | { readonly ok: true; readonly certificate: X509Certificate }
  | {
      readonly ok: false
      /** Such as `CERT_HAS_EXPIRED` or `ECONNREFUSED`. */
      readonly code: string
      readonly reason: string
      /** What was served, where it came to that. */
      readonly certificate: X509Certificate | undefined
    }

export type ProgramResult =
  | { readonly state: 'ended'; readonly code: number; readonly output: string }
  /** There is no such program. */
  | { readonly state: 'missing' }
  | { readonly state: 'too-slow' }

/** Mode bits of a file; undefined when there is none, and on Windows. */
export async function modeOf(path: string): Promise<number | undefined> {
  // Windows has no such modes; the folder's access list decides there.
  if (process.platform === 'win32') return undefined
  return (await stat(path).catch(() => undefined))?.mode
}

/** Whether files can be made in a folder, which may not be there yet. */
export async function isWritable(folder: string): Promise<boolean> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error.code)
  if (found === 'ENOENT' && dirname(folder) !== folder) return isWritable(dirname(folder))
  if (typeof found !== 'object' || !found.isDirectory()) return false
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Whether something listens on that port of this machine. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const end = (listens: boolean) => {
      socket.destroy()
      resolve(listens)
    }
    socket.setTimeout(1_000, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/**
 * Shakes hands with an https origin as a client would that trusts `ca` besides what programs trust
 * by default. Never rejects.
 */
export async function handshake(
  origin: string,
  { ca, timeoutMs }: { ca: readonly string[]; timeoutMs: number },
): Promise<TlsHandshake> {
  const observed = await observeTls({
    ...tlsAddressOf(new URL(origin)),
    tls: { ca: [...getCACertificates('default'), ...ca] },
    timeoutMs,
  })
  if (observed.outcome === 'failed') {
    return { ok: false, code: observed.code, reason: observed.reason, certificate: undefined }
  }
  const { chain, problem } = observed
  const [certificate] = chain
  if (problem !== undefined) return { ok: false, code: problem, reason: problem, certificate }
  return certificate
    ? { ok: true, certificate }
    : { ok: false, code: 'NO_CERTIFICATE', reason: 'it shows no certificate', certificate }
}

const maxOutput = 64_000

/**
 * Runs a program in a process group of its own, and kills the group when the time is over or the
 * signal says so. It reads nothing, and starts in a folder without configuration. Never rejects.
 */
export function tryProgram(
  program: string,
  args: readonly string[],
  options: {
    env: Readonly<Record<string, string | undefined>>
    timeoutMs: number
    signal: AbortSignal
  },
): Promise<ProgramResult> {
  const { env, timeoutMs, signal } = options
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: tmpdir(),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    let output = ''
    const hear = (chunk: string) => {
      output = (output + chunk).slice(0, maxOutput)
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    const end = (result: ProgramResult) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(result)
    }
    const stop = () => {
      killGroup(child.pid)
      end({ state: 'too-slow' })
    }
    const timer = setTimeout(stop, timeoutMs)
    signal.addEventListener('abort', stop, { once: true })
    child.once('error', () => end({ state: 'missing' }))
    child.once('close', (code) => end({ state: 'ended', code: code ?? -1, output }))
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
