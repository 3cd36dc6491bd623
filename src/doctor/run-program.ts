import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import type { ProgramResult } from './world.ts'

const maxOutput = 64_000

/**
 * Runs a program in a process group of its own, and kills the group when the time is over or the
 * signal says so. It reads nothing, and starts in a folder without configuration. Never rejects.
 */
export function runProgram(
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
