import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createServerContexts } from '../../src/tls/server-contexts.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { outputOf } from '../fixtures/output-of.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

export interface CommandRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the real program in a folder, with PATH and `env` as its whole environment. */
export async function sallyport(
  args: readonly string[],
  options: { cwd: string; env: Readonly<Record<string, string | undefined>> },
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
