import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compileCache } from '../fixtures/compile-cache.ts'
import { outputOf } from '../fixtures/output-of.ts'
import { createTestAuthority, run, serve } from '../tls/lab.ts'
import { temporaryFolder, until } from './helpers.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

async function startGateway(env: Record<string, string>) {
  const folder = await temporaryFolder()
  const authority = await createTestAuthority()
  const { port } = await serve(await authority.issue(['localhost']))
  await mkdir(join(folder, 'config'))
  const mcpServers = { far: { url: `https://localhost:${port}/mcp`, auth: false } }
  await writeFile(join(folder, 'config/gateway.json'), JSON.stringify({ mcpServers }))
  const child = spawn(process.execPath, [main, 'dev', '--tunnel', 'local', '--no-keys'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      ...compileCache,
      HOME: folder,
      ...{ PORT: '0', HTTPS_PORT: '0', SALLYPORT_CA_ROOT: join(folder, 'ca'), ...env },
    },
  })
  onTestFinished(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  })
  const { out, err } = outputOf(child)
  const url = await until(() => /https:\/\/localhost:\d+/.exec(out())?.[0], {
    what: 'it is ready',
  })
  return { url, out, err, ca: join(folder, '.sallyport/certs/ca.pem') }
}

const visit = (url: string, env: Record<string, string> = {}) =>
  run(
    process.execPath,
    ['-e', 'fetch(process.argv[1]).then((r) => r.text()).catch(() => {})', url],
    env,
  )

describe('DEBUG_SSL=1', () => {
  it('prints a block for what the gateway connects to, and for who connects to it', async () => {
    const { url, err, ca } = await startGateway({ DEBUG_SSL: '1' })
    await until(() => err().includes('no: unable to verify the first certificate'), {
      what: `the upstream that cannot be verified is described: ${err()}`,
    })
    expect(err()).toContain('Store     the certificate itself was expected')
    await visit(`${url}/api/profiles`, { NODE_EXTRA_CA_CERTS: ca })
    await until(
      () => /TLS from 127\.0\.0\.1:\d+\n {2}Name {6}localhost\n {2}Accepted {2}yes/.test(err()),
      {
        what: 'the client is described',
      },
    )
    expect(err()).toContain('Served    the certificate for named hosts')
    await visit(`${url}/api/profiles`)
    await until(() => err().includes('Accepted  no: it hung up when it saw the certificate'), {
      what: 'the client that refuses is described',
    })
    expect(err()).not.toContain('PRIVATE KEY')
  })
})

describe('without it', () => {
  it('a client that refuses the certificate is told of, once, and nothing else is', async () => {
    const { url, out, err } = await startGateway({})
    await visit(`${url}/api/profiles`)
    await visit(`${url}/api/profiles`)
    const all = () => `${out()}${err()}`.replaceAll(/\s+/g, ' ')
    await until(() => all().includes('it does not know our authority'), { what: 'it is told of' })
    expect(all()).toContain('pnpm sallyport env')
    expect(all().split('it does not know our authority')).toHaveLength(2)
    expect(all()).not.toContain('TLS from')
  })
})
