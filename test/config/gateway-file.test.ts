// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { projectWith } from './temporary-folder.ts'

type Files = Parameters<typeof projectWith>[0]

async function load(files: Files, env: Record<string, string> = {}) {
  const project = await projectWith(files)
  const options = { projectDir: project.projectDir, env: { ...project.env, ...env } }
  return { ...(await loadConfig(options)), projectDir: project.projectDir }
}

/** The lines of the error, without the heading. */
async function problemsOf(files: Files, env: Record<string, string> = {}): Promise<string[]> {
  const error = await load(files, env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ name: 'UserError', code: 'CONFIG_INVALID', exitCode: 2 })
  const [heading, ...lines] = (error as Error).message.split('\n')
  expect(heading).toMatch(/^The configuration file gateway\.json has \d+ problems?:$/)
  return lines.map((line) => line.trim())
}

describe('servers', () => {
  it('resolves a stdio server with its defaults', async () => {
    const { config, projectDir } = await load({ gateway: { mcpServers: { a: { command: 'x' } } } })
    expect(config.servers.a).toEqual({
      name: 'a',
      type: 'stdio',
      command: 'x',
      args: [],
      env: {},
      cwd: projectDir,
      isolation: 'shared',
      timeoutMs: 600_000,
      idleMs: 900_000,
      forwardCaller: false,
      variableValues: [],
    })
  })

  it.each([
    [undefined, 'http'],
    ['http', 'http'],
    ['streamable-http', 'http'],
    ['sse', 'sse'],
  ])('resolves a server of type %s to %s', async (type, expected) => {
    const url = 'https://a.test/mcp'
    const { config } = await load({ gateway: { mcpServers: { a: { type, url } } } })
    expect(config.servers.a).toMatchObject({ type: expected, url, isolation: 'session' })
  })

  it('checks the certificate of a server unless told otherwise', async () => {
    const url = 'https://a.test/mcp'
    const lax = { url, tls: { insecureSkipVerify: true } }
    const { config } = await load({ gateway: { mcpServers: { a: { url }, lax } } })
    expect(config.servers.a).toMatchObject({ tls: { insecureSkipVerify: false } })
    expect(config.servers.lax).toMatchObject({ tls: { insecureSkipVerify: true } })
    const mistaken = { url, tls: { insecureSkipVerfy: true } }
    const program = { command: 'x', tls: { insecureSkipVerify: true } }
    const problems = await problemsOf({ gateway: { mcpServers: { mistaken, program } } })
    expect(problems.join('\n')).toMatch(/insecureSkipVerfy.*\n.*tls/)
  })

  it('expands variables everywhere, the environment before .env', async () => {
    const server = {
      type: 'stdio',
      command: '${CMD}',
      args: ['-x', '${ARG:-none}'],
      env: { TOKEN: '${TOKEN}' },
      cwd: '${DIR}',
      idleMinutes: 0,
    }
    const remote = { url: 'https://${HOSTNAME_X}/', headers: { 'X-Key': '${TOKEN}' } }
    const { config, projectDir } = await load(
      {
        gateway: { mcpServers: { a: server, b: remote } },
        dotenv: 'TOKEN=from-file\nCMD=run\nDIR=sub\nHOSTNAME_X=h.test\n',
      },
      { TOKEN: 'from-env' },
    )
    expect(config.servers.a).toMatchObject({
      command: 'run',
      args: ['-x', 'none'],
      env: { TOKEN: 'from-env' },
      cwd: `${projectDir}/sub`,
      idleMs: Number.POSITIVE_INFINITY,
    })
    expect(config.servers.b).toMatchObject({
      url: 'https://h.test/',
      headers: { 'X-Key': 'from-env' },
    })
  })

  it('reports a variable that is not set, with its place and without other values', async () => {
    const headers = { Authorization: 'Bearer ${NONE} topsecret' }
    const gateway = { mcpServers: { 'a.b': { url: 'https://x.test', headers } } }
    expect(await problemsOf({ gateway })).toEqual([
      'mcpServers["a.b"].headers.Authorization (line 6) the variable NONE is not set; set it in the environment or in .env, or give a default: ${NONE:-…}',
    ])
  })

  it.each([
    [{}, 'mcpServers.a (line 3) needs "command"'],
    [{ comand: 'x' }, 'it has "comand" (did you mean "command"?)'],
    [{ serverUrl: 'x' }, 'it has "serverUrl" (did you mean "url"?)'],
    [{ command: 'x', url: 'y' }, 'mcpServers.a (line 3) has both "command"'],
    ['x', 'mcpServers.a (line 3) must be an object with "command" or "url"'],
    [{ type: 'ws', url: 'y' }, 'mcpServers.a.type (line 4) must be one of stdio, http,'],
    [{ type: 'http' }, 'mcpServers.a.url (line 3) is required'],
    [{ command: 1 }, 'mcpServers.a.command (line 4) must be a string, not a number'],
    [{ command: '' }, 'mcpServers.a.command (line 4) must not be empty'],
    [{ command: '${X:-}' }, 'mcpServers.a.command (line 4) is empty once'],
    [{ command: 'x', env: { A: 1 } }, 'mcpServers.a.env.A (line 6) must be a string'],
    [{ command: 'x', args: 'y' }, 'mcpServers.a.args (line 5) must be an array, not a string'],
    [{ command: 'x', timeoutSeconds: 0 }, 'timeoutSeconds (line 5) must be more than 0'],
    [{ command: 'x', idleMinutes: -1 }, 'idleMinutes (line 5) must be at least 0'],
    [{ command: 'x', idleMinutes: 1e9 }, 'idleMinutes (line 5) must be at most 10080'],
    [{ command: 'x', isolation: 'none' }, 'isolation (line 5) must be one of shared, session'],
    [
      { serverUrl: 'x', type: 'http', url: 'http://x' },
      'serverUrl (line 4) is not a known key (did you mean "url"?); known keys: type, url, headers,',
    ],
    [{ command: 'x', arguments: [] }, 'known keys: type, command, args,'],
    [{ url: 'x.test' }, 'mcpServers.a.url (line 4) must be an absolute URL'],
    [{ url: 'file:///etc' }, 'mcpServers.a.url (line 4) must be an absolute URL'],
    [{ url: 'https://u:topsecret@x.test' }, 'must not hold a user name or password'],
    [{ url: 'http://x', headers: { 'a b': 'c' } }, 'is not a valid HTTP header name'],
    [{ url: 'http://x', headers: { a: 'topsecret\n' } }, 'headers.a (line 6) holds a line break'],
    [
      { url: 'http://x', auth: { clientID: 'topsecret' } },
      'auth.clientID (line 6) is not a known key (did you mean "clientId"?)',
    ],
    [{ url: 'http://x', auth: { clientId: 1 } }, 'auth.clientId (line 6) must be a string'],
    [{ url: 'http://x', auth: { clientSecret: 'topsecret' } }, 'needs "clientId" as well'],
    [{ url: 'http://x', auth: true }, 'auth (line 5) must be false, or an object'],
  ])('refuses %j', async (a, expected) => {
    const problems = await problemsOf({ gateway: { mcpServers: { a } } })
    expect(problems).toEqual([expect.stringContaining(expected)])
    expect(problems.join()).not.toContain('topsecret')
  })

  it.each(['', ' a', '-a', 'a b', 'ä', 'a/b', 'a'.repeat(65)])(
    'refuses the server name %j',
    async (name) => {
      const problems = await problemsOf({ gateway: { mcpServers: { [name]: { command: 'x' } } } })
      expect(problems).toEqual([expect.stringContaining('is not a valid server name')])
    },
  )

  it.each(['a', 'A.b-c_d', '9', 'a'.repeat(64)])('accepts the server name %s', async (name) => {
    const { config } = await load({ gateway: { mcpServers: { [name]: { command: 'x' } } } })
    expect(Object.keys(config.servers)).toEqual([name])
  })
})

describe('profiles', () => {
  const mcpServers = { github: { command: 'x' }, files: { command: 'y' } }

  it('adds a profile default with every server', async () => {
    const { config } = await load({ gateway: { mcpServers, profiles: { one: {} } } })
    expect(Object.keys(config.profiles)).toEqual(['default', 'one'])
    expect(config.profiles.default).toMatchObject({ servers: ['github', 'files'], naming: 'auto' })
  })

  it('keeps the profile default of the file', async () => {
    const profiles = { default: { servers: ['files'], naming: 'plain' } }
    const { config } = await load({ gateway: { mcpServers, profiles } })
    expect(config.profiles.default).toMatchObject({ servers: ['files'], naming: 'plain' })
  })

  it.each(['', 'A', '-a', 'a.b', 'a b', 'a'.repeat(51), 'sse', 'messages', 'info', 'health'])(
    'refuses the profile name %j',
    async (name) => {
      const problems = await problemsOf({ gateway: { mcpServers, profiles: { [name]: {} } } })
      expect(problems).toEqual([expect.stringMatching(/not a valid profile name|reserved/)])
    },
  )

  it.each([
    [
      { servers: ['githb'] },
      'profiles.p.servers[0] (line 13) names the server "githb", which is not in mcpServers (did you mean "github"?); servers: github, files',
    ],
    [{ servers: [] }, 'must name at least one server'],
    [{ servers: ['files', 'files'] }, 'servers[1] (line 14) names a server twice'],
    [
      { tools: { allow: ['a['] } },
      'tools.allow[0] (line 14) is not a valid glob: Missing closing: "]"',
    ],
    [{ servers: ['files'], tools: { deny: ['github/*'] } }, 'is not in this profile (files)'],
    [{ tools: { rename: { a: 'b c' } } }, 'tools.rename.a (line 14) must be 1 to 64 letters'],
    [{ tools: { rename: { a: 'c', b: 'c' } } }, 'rename.b (line 15) gives the same name as "a"'],
    [{ tools: { rename: { 'a*': 'c' } } }, 'must name one tool exactly'],
    [{ tools: { describe: { 'x/a': 'c' } } }, 'refers to the server "x"'],
    [{ naming: 'none' }, 'naming (line 12) must be one of auto, prefix, plain'],
    [{ tool: {} }, 'tool (line 12) is not a known key (did you mean "tools"?)'],
  ])('refuses %j', async (p, expected) => {
    const problems = await problemsOf({ gateway: { mcpServers, profiles: { p } } })
    expect(problems).toEqual([expect.stringContaining(expected)])
  })
})

describe('the rest of the file', () => {
  it('resolves processes, hosts and origins', async () => {
    const { config, projectDir } = await load({
      gateway: {
        dev: { processes: [{ name: 'web', command: 'npm run dev', cwd: 'web' }] },
        allowedHosts: ['Box.lan:3001', '[::1]:80'],
        allowedOrigins: ['https://App.example', 'chrome-extension://abc'],
      },
    })
    expect(config.processes).toEqual([
      { name: 'web', command: 'npm run dev', cwd: `${projectDir}/web`, env: {} },
    ])
    expect(config.allowedHosts).toEqual(['box.lan:3001', '[::1]:80'])
    expect(config.allowedOrigins).toEqual(['https://app.example', 'chrome-extension://abc'])
  })

  it.each([
    [{}, 4_194_304],
    [{ limits: {} }, 4_194_304],
    [{ limits: { bodyMiB: 0.5 } }, 524_288],
    [{ limits: { bodyMiB: 32 } }, 33_554_432],
  ])('resolves the limits of %j', async (gateway, maxBodyBytes) => {
    const { config } = await load({ gateway })
    expect(config.limits).toEqual({ maxBodyBytes })
  })

  it.each([
    [{ limits: { bodyMiB: 0 } }, 'limits.bodyMiB (line 3)'],
    [{ limits: { bodyMiB: 2048 } }, 'limits.bodyMiB (line 3)'],
    [{ limits: { body: 4 } }, 'did you mean "bodyMiB"?'],
    [{ allowedHosts: ['https://x.test'] }, 'allowedHosts[0] (line 3) must be a host'],
    [{ allowedHosts: ['*'] }, 'must be a host'],
    [{ allowedOrigins: ['https://x.test/a'] }, 'allowedOrigins[0] (line 3) must be an origin'],
    [{ allowedOrigins: ['*'] }, 'must be an origin'],
    [{ servers: {} }, 'did you mean "mcpServers"?'],
    [{ dev: { processes: [{ name: 'a' }] } }, 'dev.processes[0].command (line 4) is required'],
    [[], 'the file (line 1) must be an object, not an array'],
  ])('refuses %j', async (gateway, expected) => {
    expect(await problemsOf({ gateway })).toEqual([expect.stringContaining(expected)])
  })

  it('refuses two processes of one name', async () => {
    const process = { name: 'a', command: 'b' }
    const problems = await problemsOf({ gateway: { dev: { processes: [process, process] } } })
    expect(problems).toEqual([expect.stringContaining('is the name of another process')])
  })
})

describe('the file as a whole', () => {
  it('reports everything at once, in the order of the file', async () => {
    const text = `{
      "mcpServers": { "bad name": {}, "ok": { "command": "\${NONE}" },
        "web": { "url": 1 } },
      "profiles": { "p": { "servers": ["ok", "web", "gone"] }, "sse": {} },
      "extra": 1
    }`
    const problems = await problemsOf({ text })
    expect(problems.map((line) => line.split(' (line')[0])).toEqual([
      'mcpServers["bad name"]',
      'mcpServers.ok.command',
      'mcpServers.web.url',
      'profiles.sse',
      'profiles.p.servers[2]',
      'extra',
    ])
  })

  it.each([
    ['{ "a": 1', 'gateway.json:1:9 a "}" is missing'],
    ['{\n  "mcpServers": {}\n  "profiles": {}\n}', 'gateway.json:3:3 a "," is missing before this'],
    ["{ 'a': 1 }", 'gateway.json:1:3 this is not JSON'],
    ['', 'gateway.json:1:1 the file is empty'],
  ])('gives line and column of the syntax error in %j', async (text, expected) => {
    expect((await problemsOf({ text }))[0]).toContain(expected)
  })

  it('accepts comments, trailing commas and a byte order mark', async () => {
    const { config, warnings } = await load({ text: '\uFEFF{ /* a */ "profiles": {}, // b\n}' })
    expect(Object.keys(config.profiles)).toEqual(['default'])
    expect(warnings).toEqual([expect.stringContaining('No MCP server is configured')])
  })

  it('refuses a key that is given twice', async () => {
    const text = '{ "mcpServers": { "a": { "command": "x" },\n "a": { "command": "y" } } }'
    expect(await problemsOf({ text })).toEqual([
      expect.stringContaining('a (line 1) is given twice'),
    ])
  })

  it('says that the file is missing, and how to name another', async () => {
    await expect(load({}, { SALLYPORT_CONFIG: 'none.json' })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: 'The configuration file none.json does not exist.',
      hint: expect.stringContaining('--config'),
    })
  })
})
