import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { runCommandLine } from '../../src/cli/main.ts'
import { createServerContexts } from '../../src/tls/served-certificate.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { outputOf } from '../fixtures/output-of.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

export interface CommandRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Surroundings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** What it can read, to its end. */
  readonly input?: string
}

let queue: Promise<unknown> = Promise.resolve()

/**
 * Runs the program's command line in a folder, with PATH and `env` as its whole environment, as a
 * process of its own would, but in this one: folder and environment are ours meanwhile. So it
 * waits for its turn, and is for commands that end.
 */
export function sallyport(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<CommandRun> {
  const run = queue.then(() => runHere(args, surroundings))
  queue = run.catch(() => {})
  return run
}

async function runHere(
  args: readonly string[],
  { cwd, env, input }: Surroundings,
): Promise<CommandRun> {
  const before = { cwd: process.cwd(), env: process.env }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([text(stdout), text(stderr)])
  const ours = { stdout, stderr, stdin: new PassThrough() }
  if (input !== undefined) ours.stdin.end(input)
  process.chdir(cwd)
  process.env = { PATH: before.env.PATH ?? '', ...definedOf(env) }
  try {
    const code = await runCommandLine(args, Object.create(process, ownProperties(ours)))
    for (const stream of Object.values(ours)) stream.end()
    const [out, err] = await said
    return { code, out, err }
  } finally {
    process.env = before.env
    process.chdir(before.cwd)
  }
}

const ownProperties = (values: object) => Object.getOwnPropertyDescriptors(values)

function definedOf(env: Surroundings['env']): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  return Object.fromEntries(entries)
}

/** The same as a process of its own. */
export async function sallyportProcess(
  args: readonly string[],
  options: Surroundings,
): Promise<CommandRun> {
  const env = { PATH: process.env.PATH ?? '', ...compileCache, ...options.env }
  const child = spawn(process.execPath, [main, ...args], { cwd: options.cwd, env })
  child.stdin.end()
  const { out, err } = outputOf(child)
  const [code] = await once(child, 'close')
  return { code, out: out(), err: err() }
}

/** An HTTPS server on localhost with the certificate that a folder of certificates holds. */
export async function servesCertificateOf(certs: string) {
  const read = (name: string) => readFile(join(certs, name), 'utf8')
  const [cert, key] = await Promise.all([read('localhost.pem'), read('localhost-key.pem')])
  const server = createServer(createServerContexts({ cert, key }).options, (request, response) => {
    response.end(request.url?.includes('info/refs') ? '' : 'ok')
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://localhost:${(server.address() as AddressInfo).port}/`
}
