import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { conformanceCli, type Revision, requiredScenarios } from './required-scenarios.ts'

export interface SuiteOptions {
  readonly url: string
  /** What is tested, in reports and file names. */
  readonly label: string
  readonly revision: Revision
  /** Where the suite's log and its records go. */
  readonly outDir: string
}

export interface SuiteResult {
  readonly label: string
  readonly revision: Revision
  /** Required scenarios only; each counts once. */
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  /** Scenarios that ran and failed without being required (extensions, pending). */
  readonly unscoredFailed: readonly string[]
  /** Of the suite's process; null when it ran into the time limit. */
  readonly exitCode: number | null
  readonly durationMs: number
  readonly logFile: string | undefined
}

const timeLimitMs = 5 * 60_000

/** Runs one frozen requirement set against a server. A failed scenario is a result, not an error. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { label, revision, outDir } = options
  await mkdir(outDir, { recursive: true })
  const logFile = join(outDir, `${label}-${revision}.log`)
  const started = performance.now()
  const exitCode = await runCli(options, logFile)
  const durationMs = Math.round(performance.now() - started)
  const verdicts = parseVerdicts(await readFile(logFile, 'utf8'))
  const required = requiredScenarios(revision)
  const [passed, failed] = partition(required, (name) => verdicts.get(name) === true)
  const unscoredFailed = [...verdicts.keys()].filter(
    (name) => verdicts.get(name) === false && !required.includes(name),
  )
  return { label, revision, passed, failed, unscoredFailed, exitCode, durationMs, logFile }
}

/** The result of a suite that could not run at all: every required scenario failed. */
export function notRun({ label, revision }: { label: string; revision: Revision }): SuiteResult {
  const failed = requiredScenarios(revision)
  const nothing = { passed: [], unscoredFailed: [], exitCode: null, durationMs: 0 }
  return { label, revision, failed, ...nothing, logFile: undefined }
}

/** True when every required scenario passed and the suite itself agrees. */
export function isConformant({ passed, failed, exitCode }: SuiteResult): boolean {
  return passed.length > 0 && failed.length === 0 && exitCode === 0
}

/** `conformance LABEL REVISION: PASSED/TOTAL`, which `.ci/run` counts, and what failed. */
export function formatResult(result: SuiteResult): string {
  const { label, revision, passed, failed, unscoredFailed, exitCode } = result
  const total = passed.length + failed.length
  const lines = [`conformance ${label} ${revision}: ${passed.length}/${total}`]
  for (const name of failed) lines.push(`  failed: ${name}`)
  if (unscoredFailed.length > 0) lines.push(`  not required, failed: ${unscoredFailed.join(' ')}`)
  if (!result.logFile) return [...lines, '  the suite did not run'].join('\n')
  if (exitCode !== 0) lines.push(`  the suite ended with ${exitCode ?? 'the time limit'}`)
  lines.push(`  ${result.durationMs} ms, log in ${result.logFile}`)
  return lines.join('\n')
}

/**
 * Reads the suite's own summary: scenario name to whether it passed. A scenario that checked
 * nothing has not passed.
 */
export function parseVerdicts(log: string): Map<string, boolean> {
  const lines = log.matchAll(/^[✓✗] ([\w/.-]+): (\d+) passed, (\d+) failed/gm)
  return new Map(
    [...lines].map(([line, name, passed]) => [
      name ?? '',
      line.startsWith('✓') && Number(passed) > 0,
    ]),
  )
}

async function runCli(options: SuiteOptions, logFile: string): Promise<number | null> {
  const { url, label, revision, outDir } = options
  const records = join(outDir, `${label}-${revision}`)
  const args = ['server', '--url', url, '--requirements', revision, '-o', records]
  const child = spawn(process.execPath, [fileURLToPath(conformanceCli), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeLimitMs,
    killSignal: 'SIGKILL',
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  await new Promise<void>((resolve) => log.end(resolve))
  return exitCode
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}
