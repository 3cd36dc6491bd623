import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  type ClientDeps,
  type ClientFlags,
  listClients,
  runClient,
} from '../../src/cli/commands/client.ts'
import { createClientKeeper } from '../../src/cli/commands/dev-clients.ts'
import type { Notice } from '../../src/cli/commands/dev-world.ts'
import { createOutput } from '../../src/cli/output.ts'
import { createClientFiles } from '../../src/clients/client-files.ts'
import { requireClient } from '../../src/clients/mcp-clients.ts'
import { runningAddress, takeInstanceLock } from '../../src/config/instance-lock.ts'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import { readyEvent } from './fake-gateway.ts'
import { temporaryFolder } from './helpers.ts'

interface Setup {
  readonly runningAt?: string
  readonly json?: boolean
  readonly ownCertificate?: boolean
}

async function setup({ runningAt, json = false, ownCertificate = false }: Setup = {}) {
  const folder = await temporaryFolder()
  const [stdout, stderr] = [new PassThrough(), new PassThrough()] as const
  const copied: string[] = []
  const profiles = { default: {}, ci: { auth: 'key' } }
  const listen = { httpPort: 3001, httpsPort: 3443 }
  const deps: ClientDeps = {
    output: createOutput({ stdout, stderr, env: {}, json }),
    platform: 'linux',
    config: { profiles, listen, https: true, tunnel: 'auto' } as unknown as ResolvedConfig,
    folders: { platform: 'linux', home: folder, projectDir: join(folder, 'project') },
    files: createClientFiles({ memoryFile: join(folder, 'clients.json') }),
    runningAt: async () => runningAt,
    trustFiles: ownCertificate ? undefined : { caFile: '/h/ca.pem', bundleFile: '/h/bundle.pem' },
    async copy(text) {
      copied.push(text)
      return { by: 'command', command: 'pbcopy' }
    },
  }
  const read = () => String(stdout.read() ?? '')
  const run = async (id: string, flags: ClientFlags = {}) => {
    const code = await runClient(id, flags, deps)
    return { code, out: read(), err: String(stderr.read() ?? '') }
  }
  return { deps, folder, run, read, copied }
}

describe('sallyport client', () => {
  it('lists every client', async () => {
    const { deps, read } = await setup()
    expect(listClients(deps)).toBe(0)
    expect(read()).toMatch(/claude-code +Claude Code \(--write\)/)
  })

  it('shows snippet, command and CA variable for the address of now', async () => {
    const { run } = await setup({ runningAt: 'https://localhost:4443' })
    const { code, out, err } = await run('codex')
    expect(code).toBe(0)
    expect(out).toContain('url = "https://localhost:4443/api/mcp/default"')
    expect(out).toContain('codex mcp add sallyport --url https://localhost:4443/api/mcp/default')
    expect(out).toContain('CODEX_CA_CERTIFICATE=/h/bundle.pem codex')
    expect(err).toBe('')
  })

  it('says that the gateway does not run, and needs no variable for a public address', async () => {
    const { run } = await setup()
    expect((await run('cursor')).err).toContain('The gateway is not running here')
    const { out, err } = await run('cursor', { url: 'https://otter.example' })
    expect(out).toContain('"url": "https://otter.example/api/mcp/default"')
    expect(out).toContain('the address is public')
    expect(err).toBe('')
  })

  it('asks for a key in a variable where the profile wants one', async () => {
    const { run } = await setup({ runningAt: 'https://otter.example' })
    const { out } = await run('claude-code', { profile: 'ci' })
    expect(out).toContain(`"Authorization": "Bearer \${SALLYPORT_CI_KEY}"`)
    await expect(run('zed', { profile: 'ci' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('prints one object for machines', async () => {
    const { run } = await setup({ runningAt: 'https://localhost:4443', json: true })
    const { out } = await run('claude-code', { write: true })
    expect(JSON.parse(out)).toMatchObject({
      client: 'claude-code',
      profile: 'default',
      running: true,
      name: 'sallyport',
      url: 'https://localhost:4443/api/mcp/default',
      trust: { name: 'NODE_EXTRA_CA_CERTS', value: '/h/ca.pem' },
      written: { outcome: 'created' },
    })
  })

  it('writes, says where, and takes back', async () => {
    const { run, folder } = await setup({ runningAt: 'https://localhost:4443' })
    const path = join(folder, '.gemini', 'settings.json')
    await mkdir(join(folder, '.gemini'))
    await writeFile(path, '{ "theme": "dark" }')
    expect((await run('gemini-cli', { write: true })).out).toContain(`into ${path}; what it was`)
    const { out: again } = await run('gemini-cli', { write: true })
    expect(again.replaceAll(/\s+/g, ' ')).toContain('nothing was written')
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      theme: 'dark',
      mcpServers: { sallyport: { httpUrl: 'https://localhost:4443/api/mcp/default' } },
    })
    const { code, out } = await run('gemini-cli', { undo: true })
    expect([code, out.replaceAll(/\s+/g, ' ')]).toEqual([
      0,
      expect.stringContaining('as it was before'),
    ])
    expect(await readFile(path, 'utf8')).toBe('{ "theme": "dark" }')
    expect((await run('gemini-cli', { undo: true })).out).toContain('nothing was changed')
  })

  it('writes into the folder it runs in when told so', async () => {
    const { run, folder } = await setup({ runningAt: 'https://localhost:4443' })
    await run('vscode', { write: true, scope: 'project' })
    const text = await readFile(join(folder, 'project', '.vscode', 'mcp.json'), 'utf8')
    expect(JSON.parse(text)).toMatchObject({ servers: { sallyport: { type: 'http' } } })
    const { out } = await run('vscode', { undo: true, scope: 'project' })
    expect(out).toContain('Removed .vscode/mcp.json')
  })

  it('copies the snippet, and shows the address as a QR code', async () => {
    const { run, copied } = await setup({ runningAt: 'https://localhost:4443' })
    const { out } = await run('claude-code', { copy: true, qr: true })
    expect(JSON.parse(copied[0] ?? '')).toHaveProperty('mcpServers.sallyport')
    expect(out).toMatch(/[█▀▄]{20}/)
  })

  it.each([
    ['chatgpt', {}, 'CLIENT_NEEDS_PUBLIC_ADDRESS', 1],
    ['claude-ai', { url: 'https://10.0.0.4:3443' }, 'CLIENT_NEEDS_PUBLIC_ADDRESS', 1],
    ['nobody', {}, 'USAGE', 2],
    ['cursor', { profile: 'none' }, 'USAGE', 2],
    ['cursor', { url: 'otter.example' }, 'USAGE', 2],
    ['cursor', { url: 'https://user:secret@otter.example' }, 'USAGE', 2],
    ['cursor', { scope: 'world' }, 'USAGE', 2],
    ['codex', { scope: 'project', write: true }, 'USAGE', 2],
    ['mcp-remote', { write: true }, 'USAGE', 2],
  ])('refuses %s with %j as %s', async (id, flags, code, exitCode) => {
    const { run } = await setup()
    const refusal = run(id, flags)
    await expect(refusal).rejects.toMatchObject({ code, exitCode, hint: expect.any(String) })
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining('secret') })
  })

  it('finds the gateway of a folder by its lock, once it is ready and while it lives', async () => {
    const home = await temporaryFolder()
    expect(await runningAddress(home)).toBeUndefined()
    const lock = await takeInstanceLock(home)
    expect(await runningAddress(home)).toBeUndefined()
    await lock.announce('https://otter.example', [])
    expect(await runningAddress(home)).toBe('https://otter.example')
    lock.release()
    expect(await runningAddress(home)).toBeUndefined()
  })
})

describe('dev --client --write', () => {
  async function follow(ids: string[], undoOnExit = true) {
    const folder = await temporaryFolder()
    const findings: Notice[] = []
    const files = createClientFiles({ memoryFile: join(folder, 'clients.json') })
    const follower = createClientKeeper(
      {
        chosen: ids.map(requireClient),
        write: true,
        undoOnExit,
        folders: { platform: 'linux', home: folder, projectDir: folder },
        openFiles: () => files,
      },
      { home: folder, warn: (finding) => findings.push(finding) },
    )
    follower.start(readyEvent({ caFile: '/h/ca.pem' }))
    return { folder, follower, findings }
  }

  it('writes at the start, follows the address, and takes all of it out at the end', async () => {
    const { folder, follower, findings } = await follow(['cursor', 'codex', 'chatgpt'])
    const written = await follower.follow('https://localhost:3443')
    expect(written.map(({ client, outcome }) => [client, outcome])).toEqual([
      ['cursor', 'created'],
      ['codex', 'created'],
    ])
    expect(await follower.follow('https://localhost:3443')).toMatchObject([
      { outcome: 'unchanged' },
      { outcome: 'unchanged' },
    ])
    await follower.follow('https://otter.example')
    const text = await readFile(join(folder, '.codex', 'config.toml'), 'utf8')
    expect(text).toContain('https://otter.example/api/mcp/default')
    const undone = await follower.undo()
    expect(undone.map(({ outcome }) => outcome)).toEqual(['deleted', 'deleted'])
    await expect(readFile(join(folder, '.codex', 'config.toml'))).rejects.toThrow('ENOENT')
    // ChatGPT has no file, which the ready screen shows how to do without.
    expect(findings).toEqual([])
  })

  it('warns about a file that cannot be read, and writes the others', async () => {
    const { folder, follower, findings } = await follow(['cursor', 'codex'])
    await mkdir(join(folder, '.cursor'))
    await writeFile(join(folder, '.cursor', 'mcp.json'), '{ not json')
    expect(await follower.follow('https://localhost:3443')).toMatchObject([{ client: 'codex' }])
    expect(findings).toMatchObject([{ code: 'CLIENT_FILE_MALFORMED' }])
    expect(await readFile(join(folder, '.cursor', 'mcp.json'), 'utf8')).toBe('{ not json')
  })

  it('leaves the entry at the end unless told otherwise', async () => {
    const { follower } = await follow(['cursor'], false)
    await follower.follow('https://localhost:3443')
    expect(await follower.undo()).toEqual([])
  })
})
