// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { appUrlJournalFile, createAppUrlFiles } from '../../src/config/app-url-files.ts'
import { environmentSchema } from '../../src/config/environment-schema.ts'
import { loadConfig, reloadGatewayFile } from '../../src/config/load.ts'
import type { ConfigOverrides } from '../../src/config/resolve-environment.ts'
import { projectWith } from './temporary-folder.ts'

interface Setup {
  env?: Record<string, string>
  dotenv?: string
  overrides?: ConfigOverrides
}

async function load({ env, dotenv = '', overrides = {} }: Setup = {}) {
  const project = await projectWith({ dotenv })
  const { projectDir } = project
  return loadConfig({ projectDir, env: { ...project.env, ...env }, overrides })
}

describe('loadConfig', () => {
  it('has a default for everything', async () => {
    const { config } = await load()
    const { projectDir } = config
    expect(config).toMatchObject({
      configFile: join(projectDir, 'gateway.json'),
      home: join(projectDir, '.sallyport'),
      listen: { host: '127.0.0.1', httpPort: 3001, httpsPort: 3443, strictPort: false },
      https: true,
      tunnel: 'auto',
      appUrl: undefined,
      appUrlFiles: [join(projectDir, '.env')],
      tls: { certPath: undefined, keyPath: undefined, caPath: undefined, caRoot: undefined },
      logLevel: 'warn',
    })
  })

  it('prefers flags to the environment, and the environment to .env', async () => {
    const { config } = await load({
      dotenv: 'PORT=1\nHTTPS_PORT=2\nHOST=::1\nLOG_LEVEL=info\n',
      env: { PORT: '3', HTTPS_PORT: '4', LOG_LEVEL: '' },
      overrides: { port: 5, strictPort: true, https: false, tunnel: 'none' },
    })
    expect(config.listen).toEqual({ host: '::1', httpPort: 5, httpsPort: 4, strictPort: true })
    expect(config).toMatchObject({ logLevel: 'info', https: false, tunnel: 'none' })
  })

  it('resolves paths against the folder of the project', async () => {
    const { config } = await load({
      env: {
        APP_URL_FILES: ' web/.env, /abs/.env,',
        SALLYPORT_HOME: 'state',
        SALLYPORT_CA_ROOT: '../ca',
        SSL_CERT_PATH: 'a.pem',
        SSL_KEY_PATH: '/k.pem',
        SSL_CA_PATH: 'root.pem',
      },
    })
    const { projectDir } = config
    expect(config.appUrlFiles).toEqual([join(projectDir, 'web/.env'), '/abs/.env'])
    expect(config.home).toBe(join(projectDir, 'state'))
    expect(config.tls).toMatchObject({
      certPath: join(projectDir, 'a.pem'),
      keyPath: '/k.pem',
      caPath: join(projectDir, 'root.pem'),
      caRoot: join(projectDir, '../ca'),
    })
  })

  it.each<[Setup, string]>([
    [{ env: { PORT: 'secret1' } }, 'PORT (from the environment) must be a port number'],
    [{ env: { PORT: '65536' } }, 'PORT (from the environment) must be a port number'],
    [{ dotenv: 'A=1\n\nHTTPS_PORT=-1' }, 'HTTPS_PORT (from .env line 3) must be a port'],
    [{ overrides: { port: '1e3' } }, 'PORT (from --port) must be a port number'],
    [{ env: { HOST: 'http://x' } }, 'HOST (from the environment) must be a host name or an IP'],
    [{ env: { HOST: 'localhost:1' } }, 'HOST (from the environment) must be a host name or an IP'],
    [{ dotenv: 'TUNNEL=ngrok;x' }, 'TUNNEL (from .env line 1) must be auto, local, external'],
    [{ dotenv: 'TUNNEL_COMMAND_URL=(' }, 'TUNNEL_COMMAND_URL (from .env line 1) must be a regular'],
    [{ dotenv: 'LOCALTUNNEL_HOST=loca.lt' }, 'LOCALTUNNEL_HOST (from .env line 1) must be a URL'],
    [{ overrides: { logLevel: 'loud' } }, 'LOG_LEVEL (from --log-level) must be one of silent'],
    [{ env: { SSL_CERT_PATH: 'a' } }, 'SSL_KEY_PATH must be set as well, because SSL_CERT_PATH is'],
    [{ env: { SSL_KEY_PATH: 'a' } }, 'SSL_CERT_PATH must be set as well, because SSL_KEY_PATH is'],
  ])('refuses %j', async (setup, expected) => {
    await expect(load(setup)).rejects.toMatchObject({
      code: 'ENV_INVALID',
      exitCode: 2,
      message: expect.stringContaining(expected),
    })
    await expect(load(setup)).rejects.not.toThrow(/secret1|ngork|loud/)
  })

  it('reports every invalid variable at once', async () => {
    const env = { PORT: 'x', TUNNEL: 'Y;', SSL_CERT_PATH: 'z' }
    const error = await load({ env }).catch((thrown: Error) => thrown)
    expect(String(error).split('\n')).toHaveLength(4)
  })

  it('changes neither the environment nor what it was given, and freezes the result', async () => {
    const env = Object.freeze({})
    const before = { ...process.env }
    const { config } = await load({ dotenv: 'NEW_VARIABLE_X=1\n', env })
    expect(process.env).toEqual(before)
    expect(Object.isFrozen(config.profiles.default?.tools.allow)).toBe(true)
  })

  it.each([
    ['their address', 'APP_URL=https://mine.test\n', 'https://mine.test'],
    ['none', 'A=1\n', undefined],
  ])('tells %s from the one that a gateway left in .env', async (_what, dotenv, expected) => {
    const { projectDir, env } = await projectWith({ dotenv })
    const file = join(projectDir, '.env')
    const journalFile = appUrlJournalFile(join(projectDir, '.sallyport'))
    const keeper = createAppUrlFiles({ files: [file], journalFile, pid: 1, isAlive: () => true })
    await keeper.set('https://tunnel.test')
    expect(await readFile(file, 'utf8')).toContain('APP_URL=https://tunnel.test')
    expect((await loadConfig({ projectDir, env })).config.appUrl).toBe(expected)
    await rm(journalFile)
    expect((await loadConfig({ projectDir, env })).config.appUrl).toBe('https://tunnel.test')
  })
})

describe('reloadGatewayFile', () => {
  it('reads the file and .env again, and refuses what loadConfig would', async () => {
    const { projectDir, env } = await projectWith({ dotenv: 'V=1\n' })
    const { config } = await loadConfig({ projectDir, env })
    const text = '{ "mcpServers": { "a": { "command": "${V}" } } }'
    await writeFile(config.configFile, text)
    await writeFile(join(projectDir, '.env'), 'V=2\n')
    const file = await reloadGatewayFile(config, { env })
    expect(file.servers.a).toMatchObject({ command: '2' })
    expect(file.profiles.default?.servers).toEqual(['a'])
    await writeFile(config.configFile, '{')
    await expect(reloadGatewayFile(config, { env })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})

it('documents every variable and its default in .env.example', async () => {
  const text = await readFile(new URL('../../.env.example', import.meta.url), 'utf8')
  const documented = [...text.matchAll(/^#([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value,
  ])
  const defaults: Record<string, unknown> = environmentSchema.parse({})
  const names = Object.keys(environmentSchema.shape)
  expect(documented).toEqual(names.map((name) => [name, String(defaults[name] ?? '')]))
})

describe('which tunnels are tried', () => {
  const account = { NGROK_AUTHTOKEN: 'a' }
  const named = { CLOUDFLARE_TUNNEL_NAME: 'mine' }

  it.each<[string, Record<string, string>, string]>([
    ['auto', { ...account, CLOUDFLARE_TUNNEL_TOKEN: 't' }, 'cloudflare,ngrok,localtunnel,local'],
    ['auto', named, 'cloudflare,localtunnel,local'],
    ['auto', account, 'ngrok,localtunnel,local'],
    ['auto', {}, 'localtunnel,local'],
    ['auto', { ...account, APP_URL: 'https://mcp.example.com' }, 'local'],
    ['external', { APP_URL: 'https://mcp.example.com' }, 'local'],
    ['none', account, 'local'],
    ['local', account, 'local'],
    ['ngrok', {}, 'ngrok'],
    ['ngrok,local', {}, 'ngrok,local'],
    ['localtunnel,cloudflare', {}, 'localtunnel,cloudflare'],
  ])('with TUNNEL=%s and %j are %s', async (TUNNEL, env, order) => {
    const { config } = await load({ env: { ...env, TUNNEL } })
    expect(config.tunnels.order.join(',')).toBe(order)
  })

  it.each([
    ['ngrk', 'There is no tunnel "ngrk". Did you mean "ngrok"?'],
    ['Local', 'There is no tunnel "Local". Did you mean "local"?'],
    ['extern', 'There is no tunnel "extern". Did you mean "external"?'],
    [
      'frp',
      'There is no tunnel "frp". There are auto, external, none, or an order of cloudflare, command, localtunnel, ngrok, local.',
    ],
    ['ngrok,auto', '"auto" stands alone: it is no part of an order.'],
    ['ngrok,ngrok', 'The order of tunnels names "ngrok" twice.'],
    ['local,ngrok', '"ngrok" would never be tried: "local", before it, always works.'],
  ])('refuses TUNNEL=%s', async (TUNNEL, message) => {
    await expect(load({ env: { TUNNEL } })).rejects.toMatchObject({
      code: 'USAGE',
      message,
      hint: 'Correct --tunnel, or TUNNEL in .env.',
    })
  })
})
