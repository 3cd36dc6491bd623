import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from '../../../src/lib/free-port.ts'
import { conformanceCli } from '../../conformance/required-scenarios.ts'
import { createBrowser } from '../browser.ts'
import { type Lab, startLab } from '../lab.ts'
import { allow, discoverIssuer, register } from '../oauth-flow.ts'

let lab: Lab
let records: string
beforeAll(async () => {
  lab = await startLab({ documents: async () => new Response('', { status: 404 }) })
  records = await mkdtemp(join(tmpdir(), 'sallyport-conformance-'))
})
afterAll(async () => {
  await lab.close()
  await rm(records, { recursive: true, force: true })
})

/** Runs the public suite, and is the browser that it prints an address for. */
async function runSuite(
  clientId: string,
  port: number,
): Promise<{ code: number | null; log: string }> {
  const args = ['authorization', '--url', lab.public, '--client-id', clientId, '-p', String(port)]
  const child = spawn(
    process.execPath,
    [fileURLToPath(conformanceCli), ...args, '--resource', lab.mcp('work'), '-o', records],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000, killSignal: 'SIGKILL' },
  )
  let log = ''
  let driving: Promise<unknown> | undefined
  const read = (chunk: Buffer) => {
    log += chunk
    const url = /https?:\/\/\S*code_challenge\S*/.exec(log)?.[0]
    if (url) driving ??= drive(url)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  await driving
  return { code, log }
}

async function drive(url: string): Promise<void> {
  const browser = createBrowser()
  await fetch(await allow(lab, await browser.open(url), browser))
}

describe('the public authorization server suite', () => {
  it('passes every check', async () => {
    const port = await findFreePort()
    const redirect = `http://127.0.0.1:${port}/callback`
    const client = await register(await discoverIssuer(lab.public), { redirect_uris: [redirect] })
    const { code, log } = await runSuite(client.client_id, port)
    expect(log).not.toMatch(/✗|FAILURE|WARNING/)
    for (const scenario of ['authorization-server-metadata-endpoint', 'authorization-code-grant']) {
      expect(log).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`))
    }
    expect(code).toBe(0)
  })
})
