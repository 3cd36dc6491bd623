import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import * as z from 'zod'
import type { DoctorReport } from '../../src/doctor/examine.ts'
import type { ReadyEvent } from '../../src/gateway-events.ts'
import { type CommandRun, sallyport, sallyportProcess } from '../cli/command.ts'
import { temporaryFolder, until } from '../cli/helpers.ts'
import type { AtEnd } from '../fixtures/cleanup.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { freePort } from '../fixtures/gateway.ts'
import type { Environment } from './lab.ts'

const script = (name: string) => new URL(`../../${name}`, import.meta.url).pathname

/** What `doctor --json` prints. */
export const reportSchema = z.strictObject({
  findings: z
    .array(
      z.strictObject({
        check: z.string().regex(/^[a-z-]+$/),
        state: z.enum(['ok', 'warn', 'fail']),
        message: z.string().regex(/[.…]$/),
        fix: z.string().min(1).optional(),
      }),
    )
    .min(4),
  summary: z.strictObject({ ok: z.int(), warn: z.int(), fail: z.int() }),
})

export type Report = z.output<typeof reportSchema>

export interface Project {
  readonly folder: string
  readonly env: Environment
}

/** With it the doctor asks every program of this machine whom it trusts, which takes seconds. */
export const everyProgram: Environment = { PATH: process.env.PATH }

/**
 * A folder with a configuration, and the environment of a person who works there and has no program
 * but Node.
 */
export async function createProject(
  env: Environment = {},
  atEnd: AtEnd = onTestFinished,
): Promise<Project> {
  const folder = await temporaryFolder(atEnd)
  const home = await temporaryFolder(atEnd)
  await mkdir(join(folder, 'config'))
  await writeFile(join(folder, 'config/gateway.json'), '{"mcpServers":{}}')
  const [PORT, HTTPS_PORT] = [String(await freePort()), String(await freePort())]
  const own = { PATH: dirname(process.execPath), HOME: home, SHELL: '/bin/bash' }
  const settings = { PORT, HTTPS_PORT, SALLYPORT_CA_ROOT: join(folder, 'ca'), TUNNEL: 'local' }
  return { folder, env: { ...own, ...compileCache, ...settings, ...env } }
}

/**
 * Runs `pnpm sallyport doctor` in a project: as a process of its own where Node must be told of an
 * authority, which it reads as it starts.
 */
export async function runDoctor(
  { folder, env }: Project,
  args: readonly string[] = ['--json'],
): Promise<CommandRun & { report: Report | undefined }> {
  const run = env.NODE_EXTRA_CA_CERTS === undefined ? sallyport : sallyportProcess
  const result = await run(['doctor', ...args], { cwd: folder, env })
  const isJson = args.includes('--json')
  return { ...result, report: isJson ? reportSchema.parse(JSON.parse(result.out)) : undefined }
}

/** The findings of one check, as `warn: message -> fix`. */
export function linesOf(
  report: Pick<Report, 'findings'> | DoctorReport | undefined,
  check: string,
): string[] {
  return (report?.findings ?? [])
    .filter((finding) => finding.check === check)
    .map(({ state, message, fix }) => `${state}: ${message}${fix ? ` -> ${fix}` : ''}`)
}

export interface RunningGatewayProcess {
  readonly child: ChildProcess
  readonly ready: ReadyEvent
  /** Everything it printed for people and machines. */
  output(): string
  stop(): Promise<void>
}

/** Runs `pnpm dev:https --json` in a project until the test is over, or as long as `atEnd` says. */
export async function startGateway(
  { folder, env }: Project,
  atEnd: AtEnd = onTestFinished,
): Promise<RunningGatewayProcess> {
  const child = spawn(process.execPath, [script('scripts/dev-https.ts'), '--json'], {
    cwd: folder,
    env,
  })
  const gone = once(child, 'exit')
  atEnd(async () => {
    child.kill('SIGKILL')
    await gone
  })
  let text = ''
  const hear = (chunk: string) => {
    text += chunk
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  const line = await until(() => text.split('\n').find((one) => one.includes('"event":"ready"')), {
    what: 'the gateway is ready',
  })
  return {
    child,
    ready: JSON.parse(line),
    output: () => text,
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
}
