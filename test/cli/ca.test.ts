import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { tamperWith } from '../gateway/trust-lab.ts'
import { issue, issueChain } from '../tls/upstream/lab.ts'
import { sallyport, sallyportProcess } from './command.ts'
import { temporaryFolder } from './helpers.ts'

const { root, intermediate, leaf } = await issueChain(['localhost'])
const client = await issue({ name: 'ada', issuer: intermediate, ca: false })

/** A project with a server behind TLS, and the certificates as files. */
async function createProject(options: { requestCert?: boolean } = {}) {
  const folder = await temporaryFolder()
  const port = await serve(options)
  const mcpServers = {
    intranet: { type: 'http', url: `https://localhost:${port}/mcp` },
    notes: { command: 'true' },
  }
  await mkdir(join(folder, 'config'))
  const files = {
    'config/gateway.json': JSON.stringify({ mcpServers }),
    'root.pem': root.pem,
    'issuing.cer': intermediate.der,
    'server.crt': leaf.pem,
    'me.pem': client.pem + intermediate.pem,
    'me.key': client.keyPem,
    'key.pem': root.keyPem,
    'large.pem': Buffer.alloc(10 * 1024 * 1024 + 1, 10),
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return folder
}

async function serve({ requestCert = false }: { requestCert?: boolean }): Promise<number> {
  const cert = leaf.pem + intermediate.pem
  const ca = [root.pem]
  const server = createServer({ cert, key: leaf.keyPem, requestCert, ca }, (socket) => {
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Runs `sallyport ca …` in `folder`. */
async function ca(folder: string, ...args: readonly string[]) {
  return runCa(sallyport, folder, args)
}

async function runCa(run: typeof sallyport, folder: string, args: readonly string[]) {
  const env = {
    HOME: folder,
    XDG_DATA_HOME: join(folder, 'data'),
    SALLYPORT_HOME: join(folder, 'home'),
  }
  const { code, out, err } = await run(['ca', ...args], { cwd: folder, env })
  // Prose is wrapped to a width nobody should have to care about here.
  return { code, out, err: err.replaceAll(/\s+/g, ' ') }
}

describe('sallyport ca', () => {
  // Each step is a process of its own here, which a busy machine starts slowly.
  it('adds, lists, tests, audits and removes', async () => {
    const ca = (folder: string, ...args: readonly string[]) => runCa(sallyportProcess, folder, args)
    const folder = await createProject()
    const before = await ca(folder, 'test', 'intranet')
    expect(before.code).toBe(1)
    expect(before.out).toContain('CN=Lab Root')
    expect(before.out).toContain('pnpm sallyport ca add intranet <file>')

    const added = await ca(folder, 'add', 'intranet', 'issuing.cer', 'root.pem')
    expect(added).toMatchObject({ code: 0, err: '' })
    expect(added.out).toContain('issuing.cer  Accepted: 1 intermediate.')

    const tested = await ca(folder, 'test', 'intranet')
    expect(tested).toMatchObject({ code: 0, err: '' })
    expect(tested.out).toContain('It verifies.')
    expect(tested.out).toMatch(/0 CN=server\n +issued by CN=Lab Issuing CA\n/)
    expect(tested.out.match(/SHA-256 ([0-9A-F]{2}:){31}/g)).toHaveLength(2)

    const listed = await ca(folder, 'list', '--json')
    const { bundles } = JSON.parse(listed.out)
    expect(bundles).toMatchObject([
      {
        server: 'intranet',
        state: 'good',
        certificates: [{ subject: 'CN=Lab Root' }, { subject: 'CN=Lab Issuing CA' }],
        missing: [],
        changed: { from: 'cli' },
      },
    ])
    expect((await ca(folder, 'list')).out).toContain('intermediate  CN=Lab Issuing CA')

    expect((await ca(folder, 'remove', 'intranet')).code).toBe(0)
    expect((await ca(folder, 'list')).out).toContain('No CA bundle is kept.')
    const audit = await ca(folder, 'audit')
    expect(audit.out).toMatch(/remove intranet {2}by \S+ from cli {2}\S+ -> none\n.*add intranet/)
  })

  it('keeps a client certificate, and shows it to a server that asks', async () => {
    const folder = await createProject({ requestCert: true })
    await ca(folder, 'add', 'intranet', 'root.pem')
    const without = await ca(folder, 'test', 'intranet', '--json')
    expect(without.code).toBe(1)
    expect(JSON.parse(without.out).findings).toMatchObject([{ kind: 'client-certificate-needed' }])
    const pair = ['--client-cert', 'me.pem', '--client-key', 'me.key']
    const added = await ca(folder, 'add', 'intranet', ...pair, '--json')
    expect(JSON.parse(added.out)).toMatchObject({ accepted: true, stored: true })
    expect(await ca(folder, 'test', 'intranet')).toMatchObject({ code: 0, err: '' })
    expect((await ca(folder, 'remove', 'intranet', '--client-cert')).code).toBe(0)
    expect((await ca(folder, 'test', 'intranet')).code).toBe(1)
  })

  it.each([
    ['a private key', ['root.pem', 'key.pem'], 'private-key'],
    ['the certificate of a server', ['server.crt'], 'not-a-ca'],
    ['more than 10 MB', ['large.pem'], 'too-large'],
    ['another kind of file', ['config/gateway.json'], 'wrong-type'],
  ])('refuses %s, keeps nothing, and says so', async (_, files, verdict) => {
    const folder = await createProject()
    const { code, out, err } = await ca(folder, 'add', 'intranet', ...files)
    expect(code).toBe(1)
    expect(out).toContain(verdict)
    expect(out).toContain('Nothing was changed')
    const state = await readFile(join(folder, 'home/state.sqlite'), 'latin1')
    const secret = root.keyPem.split('\n')[1]
    for (const place of [out, err, state]) expect(place).not.toContain(secret)
    expect((await ca(folder, 'list')).out).toContain('No CA bundle is kept.')
  })

  it.each([
    ['a server that is not configured', ['add', 'intrnet', 'root.pem'], 'Did you mean intranet?'],
    ['a server that is a command', ['add', 'notes', 'root.pem'], 'is a command, not a URL'],
    ['nothing to add', ['add', 'intranet'], 'There is nothing to add.'],
    ['half a pair', ['add', 'intranet', '--client-cert', 'me.pem'], 'go together'],
    ['a file that is not there', ['add', 'intranet', 'no.pem'], 'cannot be read: ENOENT'],
    ['a folder', ['add', 'intranet', 'config'], 'cannot be read: EISDIR'],
    ['nothing to remove', ['remove', 'intranet'], 'No CA bundle is kept for "intranet".'],
    ['another word', ['renew'], "unknown command 'renew'"],
  ])('answers %s with what to do, and exit code 2', async (_, args, message) => {
    const { code, err } = await ca(await createProject(), ...args)
    expect(err.toLowerCase()).toContain(message.toLowerCase())
    expect(code).toBe(2)
  })

  it('refuses what was tampered with, until it is put in place again', async () => {
    const folder = await createProject()
    await ca(folder, 'add', 'intranet', 'root.pem')
    const store = openSqliteStore(join(folder, 'home/state.sqlite'))
    await tamperWith(store, 'intranet', 'another')
    store.close()
    const refused = await ca(folder, 'test', 'intranet')
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('it was changed since it was signed')
    expect(refused.err).toContain('CA_BUNDLE_REFUSED')
    expect((await ca(folder, 'list')).out).toContain('intranet  refused')
    expect((await ca(folder, 'add', 'intranet', 'issuing.cer')).code).toBe(1)
    expect((await ca(folder, 'add', 'intranet', '--replace', 'root.pem')).code).toBe(0)
    expect((await ca(folder, 'test', 'intranet')).code).toBe(0)
  })

  it('rotates the keys', async () => {
    const folder = await createProject()
    await ca(folder, 'add', 'intranet', 'root.pem')
    const first = JSON.parse((await ca(folder, 'rotate-keys', '--json')).out)
    const second = JSON.parse((await ca(folder, 'rotate-keys', '--json')).out)
    expect(first).toEqual({
      keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
      resigned: ['intranet'],
    })
    expect(second.keyId).not.toBe(first.keyId)
    expect((await ca(folder, 'test', 'intranet')).code).toBe(0)
  })
})
