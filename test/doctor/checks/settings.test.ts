import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAppUrlFiles } from '../../../src/config/app-url-files.ts'
import { appUrl } from '../../../src/doctor/checks/app-url.ts'
import { configuration, judgeNode, runtime } from '../../../src/doctor/checks/setup.ts'
import {
  judgeCloudflare,
  judgeNgrok,
  tokens,
  tunnelPrograms,
} from '../../../src/doctor/checks/tunnel.ts'
import { temporaryFolder } from '../../cli/helpers.ts'
import { asLine, type Environment, say, startLab, worldOf } from '../lab.ts'

/** A folder with a configuration and a `.env`. */
async function project(files: { config?: string; dotenv?: string; web?: string } = {}) {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'config'))
  await mkdir(join(folder, 'web'))
  const config = files.config ?? '{ "mcpServers": { "one": { "command": "true" } } }'
  await writeFile(join(folder, 'config/gateway.json'), config)
  if (files.dotenv !== undefined) await writeFile(join(folder, '.env'), files.dotenv)
  if (files.web !== undefined) await writeFile(join(folder, 'web/.env'), files.web)
  return folder
}

const worldIn = async (files: Parameters<typeof project>[0] = {}, env: Environment = {}) =>
  worldOf({ projectDir: await project(files), env })

describe('the check of the runtime', () => {
  it.each([
    ['24.21.0', 'ok: Node 24.21.0 runs Sallyport.'],
    ['20.20.2', 'fail: Node 20.20.2 is too old; Sallyport needs 24. -> npx pnpm@12 install'],
  ])('judges Node %s', (version, expected) => {
    expect(asLine(judgeNode(version))).toBe(expected)
  })

  it('finds pnpm by who started it, else on the PATH', async () => {
    const bin = await temporaryFolder()
    const by = await worldIn({}, { npm_config_user_agent: 'pnpm/12.1.0 npm/? node/v24' })
    expect((await say(runtime, by))[1]).toBe('ok: pnpm 12.1.0 runs the commands.')
    const none = await worldIn({}, { PATH: bin })
    expect((await say(runtime, none))[1]).toContain('-> npm install --global pnpm@12')
    await writeFile(join(bin, 'pnpm'), '#!/bin/sh\necho 12.2.0\n', { mode: 0o755 })
    const installed = await worldIn({}, { PATH: `${bin}:/usr/bin:/bin` })
    expect((await say(runtime, installed))[1]).toBe('ok: pnpm 12.2.0 is installed.')
  })
})

describe('the check of the configuration', () => {
  it('counts what is configured', async () => {
    expect(await say(configuration, await worldIn())).toEqual([
      'ok: config/gateway.json has 1 server and 1 profile.',
    ])
  })

  it('names each problem with its place', async () => {
    const config = '{\n  "mcpServers": { "one": { "comand": "x" } },\n  "profils": {}\n}'
    const lines = await say(configuration, await worldIn({ config }))
    expect(lines.length).toBeGreaterThanOrEqual(2)
    for (const line of lines) expect(line).toMatch(/^fail: config\/gateway\.json: .*-> config\/ga/)
    expect(lines.join()).toContain('(line 3)')
  })

  it('reports a missing file and a wrong variable', async () => {
    const folder = await temporaryFolder()
    expect(await say(configuration, await worldOf({ projectDir: folder }))).toEqual([
      expect.stringMatching(
        /^fail: The configuration file config\/gateway.json does not exist\. -> /,
      ),
    ])
    const world = await worldIn({ dotenv: 'PORT=http\nLOG_LEVEL=loud\n' })
    const lines = await say(configuration, world)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('fail: PORT (from .env line 1) must be a port number')
    expect(await say(configuration, await worldIn({}, { TUNNEL: 'ngrock' }))).toEqual([
      'fail: There is no tunnel "ngrock". Did you mean "ngrok"? -> Correct --tunnel, or TUNNEL in .env.',
    ])
  })

  it('passes warnings on', async () => {
    const [, line] = await say(configuration, await worldIn({ config: '{"mcpServers":{}}' }))
    expect(line).toMatch(/^warn: No MCP server is configured/)
  })
})

describe('the check of APP_URL', () => {
  it.each<[string, Parameters<typeof project>[0], Environment, string]>([
    ['unset', {}, {}, 'ok: APP_URL is not set; the gateway sets it while it runs.'],
    [
      'a placeholder',
      { dotenv: 'APP_URL=http://localhost:5173\n' },
      {},
      'ok: APP_URL is http://localhost:5173 in .env, until the gateway runs and rewrites it.',
    ],
    [
      'an address',
      { dotenv: 'APP_URL=https://mcp.example.com\n' },
      {},
      'ok: APP_URL is https://mcp.example.com in .env.',
    ],
    [
      'a slash at the end',
      { dotenv: 'APP_URL=https://mcp.example.com/\n' },
      {},
      'warn: APP_URL in .env ends with a slash, so a program that appends a path to it asks for "//…". -> Write APP_URL=https://mcp.example.com in .env.',
    ],
    [
      'a path',
      {},
      { APP_URL: 'https://mcp.example.com/mcp' },
      'fail: APP_URL in the environment cannot be used: it must not have a path; the gateway serves a whole origin. -> export APP_URL=https://mcp.example.com',
    ],
    [
      'plain HTTP',
      {},
      { APP_URL: 'http://mcp.example.com' },
      'warn: APP_URL in the environment starts with http:// but is not on this machine; OAuth clients refuse such an address. -> export APP_URL=https://mcp.example.com',
    ],
    [
      'none where one is needed',
      {},
      { TUNNEL: 'external' },
      'fail: TUNNEL is external, but there is no APP_URL to be reached at. -> Set APP_URL to your public address, such as https://mcp.example.com, or set TUNNEL to auto. In .env, only an https:// address that is not on this machine counts.',
    ],
    [
      'two that differ',
      { dotenv: 'APP_URL=https://a.example.com\n', web: 'APP_URL=https://b.example.com\n' },
      { APP_URL_FILES: '.env,web/.env' },
      'warn: APP_URL is https://a.example.com in .env, but https://b.example.com in web/.env. -> Write APP_URL=https://a.example.com in web/.env.',
    ],
  ])('judges %s', async (_what, files, env, expected) => {
    expect(await say(appUrl, await worldIn(files, env))).toEqual([expected])
  })

  it('sees what a gateway that was killed left in the files', async () => {
    const folder = await project({ dotenv: 'APP_URL=http://localhost:5173\n' })
    const files = createAppUrlFiles({
      files: [join(folder, '.env')],
      journalFile: join(folder, '.sallyport/app-url-journal.json'),
      pid: 1,
      isAlive: () => false,
    })
    await mkdir(join(folder, '.sallyport'))
    await files.set('https://old.example.com')
    const [line] = await say(appUrl, await worldOf({ projectDir: folder }))
    expect(line).toBe(
      'warn: APP_URL in .env is what a gateway wrote that did not end properly; the next start puts it back. -> pnpm dev:https',
    )
  })

  it('compares every place with the gateway that runs', async () => {
    const lab = await startLab()
    const { appUrl: now } = lab.gateway.status()
    const same = await lab.world({ APP_URL: now })
    expect(await say(appUrl, same)).toEqual([`ok: APP_URL is ${now} in the environment.`])
    const other = await lab.world({ APP_URL: 'https://old.example.com' })
    expect(await say(appUrl, other)).toEqual([
      `warn: APP_URL in the environment is https://old.example.com, but the gateway is at ${now}. -> export APP_URL=${now}`,
    ])
  })
})

describe('the check of credentials', () => {
  const cloudflare = Buffer.from('{"a":"acc","t":"tunnel","s":"c2VjcmV0"}').toString('base64')

  it.each([
    ['2abcdefghijklmnopqrstuvwxyz_0123456789abcdefghij', 'ok'],
    [' 2abcdefghijklmnopqrstuvwxyz_0123456789abcdefghij ', 'ok'],
    ['ngrok config add-authtoken 2abcdefghijklmnop_0123456789', 'fail'],
    ['2abc', 'fail'],
    ['', 'fail'],
    [undefined, 'fail'],
  ])('judges the authtoken %j of ngrok as %s', (token, state) => {
    expect(judgeNgrok(token).state).toBe(state)
    if (token?.trim()) expect(asLine(judgeNgrok(token))).not.toContain(token.trim())
  })

  it.each([
    [cloudflare, 'ok'],
    [`cloudflared service install ${cloudflare}`, 'fail'],
    [cloudflare.slice(0, 20), 'fail'],
    ['eyJub3QiOiJpdCJ9', 'fail'],
  ])('judges the token %j of Cloudflare as %s', (token, state) => {
    expect(judgeCloudflare(token).state).toBe(state)
    expect(asLine(judgeCloudflare(token))).not.toContain(token)
  })

  it('looks only at what the order of tunnels needs', async () => {
    expect(await say(tokens, await worldIn())).toEqual([])
    const [line] = await say(tokens, await worldIn({}, { TUNNEL: 'ngrok' }))
    expect(line).toMatch(/^fail: ngrok needs an authtoken, and NGROK_AUTHTOKEN is empty\. -> Copy/)
  })

  it('sees a way to sign in that is half set, or that nobody may use', async () => {
    const half = await worldIn({ dotenv: 'AUTH_GITHUB_CLIENT_ID=abc\n' })
    expect(await say(tokens, half)).toEqual([
      'warn: AUTH_GITHUB_CLIENT_ID is set, but AUTH_GITHUB_CLIENT_SECRET is not, so nobody can sign in there. -> Set AUTH_GITHUB_CLIENT_SECRET in .env.',
    ])
    const nobody = { AUTH_GITHUB_CLIENT_ID: 'abc', AUTH_GITHUB_CLIENT_SECRET: 'def' }
    expect((await say(tokens, await worldIn({}, nobody)))[0]).toContain('AUTH_ALLOW is empty')
    const complete = { ...nobody, AUTH_ALLOW: 'github:ada' }
    expect(await say(tokens, await worldIn({}, complete))).toEqual([])
  })
})

describe('the check of tunnel programs', () => {
  it('wants cloudflared where it is configured', async () => {
    const missing = await worldIn({}, { TUNNEL: 'cloudflare', PATH: '/nowhere' })
    expect(await say(tunnelPrograms, missing)).toEqual([
      'ok: A start tries cloudflare.',
      'fail: The cloudflared program was not found. -> pnpm sallyport cloudflared install',
    ])
    const bin = await temporaryFolder()
    await writeFile(join(bin, 'cloudflared'), '#!/bin/sh\n', { mode: 0o755 })
    const present = await worldIn({}, { TUNNEL: 'cloudflare', PATH: bin })
    expect((await say(tunnelPrograms, present))[1]).toBe('ok: cloudflared is installed.')
  })

  it.each([
    ['local', 'ok: A start opens no tunnel: local HTTPS is the address.'],
    ['none', 'ok: No tunnel and no HTTPS: TUNNEL is none.'],
  ])('says what TUNNEL=%s means', async (TUNNEL, expected) => {
    expect(await say(tunnelPrograms, await worldIn({}, { TUNNEL }))).toEqual([expected])
  })
})
