import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createScreen, type Screen } from '../../src/cli/ui/screen.ts'
import type { AtEnd } from '../fixtures/cleanup.ts'

/** A screen without colours. */
export const plain = (columns = 80): Screen => createScreen({ color: false, columns })

/** Lines as they stand on it. */
export const asText = (lines: readonly string[]): string => lines.join('\n')

/** A folder that is gone after the test, or when `atEnd` says. */
export async function temporaryFolder(atEnd: AtEnd = onTestFinished): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-cli-'))
  atEnd(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Polls until `condition` gives something true, and returns it; fails at the deadline. */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: { what: string; ms?: number },
): Promise<NonNullable<T>> {
  const deadline = Date.now() + (options.ms ?? 60_000)
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`waited in vain until ${options.what}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

/** Whether a process runs; a zombie does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
