import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  type ClientConnection,
  clientEntryName,
  type McpClient,
  requireUsable,
} from '../../src/clients/mcp-client.ts'
import { mcpClients, requireClient } from '../../src/clients/mcp-clients.ts'
import { launchCommand, nodeExtraCaCerts, sslCertFile } from '../../src/clients/trust-variables.ts'
import type { UserFolders } from '../../src/clients/user-folders.ts'
import { configFormats } from '../../src/editing/config-formats.ts'

const url = 'https://otter.example/api/mcp/work'
const local = 'https://localhost:3443/api/mcp/work'
const name = 'sallyport-work'
const connection: ClientConnection = { name, url }
const withKey: ClientConnection = { name, url, keyVariable: 'SALLYPORT_WORK_KEY' }

function documentOf(client: McpClient, given = connection): unknown {
  const { language, text } = client.snippet(given)
  const format = configFormats[language as keyof typeof configFormats]
  const result = format.read(text)
  return result.ok ? result.value : result
}

describe('the registry', () => {
  it('knows each client once', () => {
    const ids = mcpClients.map(({ id }) => id)
    expect(new Set(ids).size).toBe(17)
    expect(ids.length).toBe(17)
  })

  it('says which client was meant', () => {
    expect(() => requireClient('claude')).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        hint: expect.stringMatching(/^Did you mean claude-/),
      }),
    )
  })

  it.each([
    ['default', 'sallyport'],
    ['work', 'sallyport-work'],
  ])('names the entry of profile %s %s', (profile, expected) => {
    expect(clientEntryName(profile)).toBe(expected)
  })
})

// What each client's documentation shows of a remote server; anything else in it is an error here.
const bearer = (reference: string) =>
  z.strictObject({ Authorization: z.literal(`Bearer ${reference}`) })
const servers = <T extends z.ZodType>(key: string, server: T) =>
  z.strictObject({ [key]: z.strictObject({ [name]: server }) })
const inputs = z.tuple([
  z.strictObject({
    type: z.literal('promptString'),
    id: z.literal(`${name}-key`),
    description: z.string(),
    password: z.literal(true),
  }),
])
const key = 'SALLYPORT_WORK_KEY'
const address = z.literal(url)
const documented: readonly [id: string, plain: z.ZodType, keyed?: z.ZodType][] = [
  [
    'claude-code',
    servers('mcpServers', z.strictObject({ type: z.literal('http'), url: address })),
    servers(
      'mcpServers',
      z.strictObject({ type: z.literal('http'), url: address, headers: bearer(`\${${key}}`) }),
    ),
  ],
  [
    'cursor',
    servers('mcpServers', z.strictObject({ url: address })),
    servers('mcpServers', z.strictObject({ url: address, headers: bearer(`\${env:${key}}`) })),
  ],
  [
    'vscode',
    servers('servers', z.strictObject({ type: z.literal('http'), url: address })),
    servers(
      'servers',
      z.strictObject({
        type: z.literal('http'),
        url: address,
        headers: bearer(`\${input:${name}-key}`),
      }),
    ).extend({ inputs }),
  ],
  [
    'windsurf',
    servers('mcpServers', z.strictObject({ serverUrl: address })),
    servers(
      'mcpServers',
      z.strictObject({ serverUrl: address, headers: bearer(`\${env:${key}}`) }),
    ),
  ],
  [
    'codex',
    servers('mcp_servers', z.strictObject({ url: address })),
    servers('mcp_servers', z.strictObject({ url: address, bearer_token_env_var: z.literal(key) })),
  ],
  [
    'gemini-cli',
    servers('mcpServers', z.strictObject({ httpUrl: address })),
    servers('mcpServers', z.strictObject({ httpUrl: address, headers: bearer(`\${${key}}`) })),
  ],
  ['zed', servers('context_servers', z.strictObject({ url: address }))],
  [
    'cline',
    servers(
      'mcpServers',
      z.strictObject({
        type: z.literal('streamableHttp'),
        url: address,
        disabled: z.literal(false),
        autoApprove: z.tuple([]),
      }),
    ),
  ],
  [
    'goose',
    gooseConfig(z.strictObject({}), z.tuple([])),
    gooseConfig(bearer(`\${${key}}`), z.tuple([z.literal(key)])),
  ],
  ['lm-studio', servers('mcpServers', z.strictObject({ url: address }))],
  [
    'inspector',
    servers('mcpServers', z.strictObject({ type: z.literal('streamable-http'), url: address })),
  ],
  [
    'mcp-remote',
    servers(
      'mcpServers',
      z.strictObject({
        command: z.literal('npx'),
        args: z.tuple([z.literal('-y'), z.literal('mcp-remote'), address]),
      }),
    ),
  ],
]

function gooseConfig(headers: z.ZodType, keys: z.ZodType) {
  return servers(
    'extensions',
    z.strictObject({
      type: z.literal('streamable_http'),
      name: z.literal(name),
      enabled: z.literal(true),
      uri: address,
      headers,
      env_keys: keys,
      envs: z.strictObject({}),
      timeout: z.int().positive(),
    }),
  )
}

describe('the snippets', () => {
  it.each(documented)('of %s are what its documentation shows', (id, plain, keyed) => {
    const client = requireClient(id)
    expect(plain.safeParse(documentOf(client)).error).toBeUndefined()
    if (keyed) expect(keyed.safeParse(documentOf(client, withKey)).error).toBeUndefined()
  })

  it.each(['openai-api', 'anthropic-api'])(
    'of %s are a command with the key in a variable',
    (id) => {
      const { text } = requireClient(id).snippet(connection)
      const json = /-d '([\s\S]*)'$/.exec(text)?.[1]?.replace(/'"(\$\w+)"'/g, '$1')
      expect(JSON.stringify(JSON.parse(json ?? ''))).toContain(`"$${key}"`)
      expect(text).toContain(url)
    },
  )

  it('bridge a local address for Claude Desktop, and name a connector for a public one', () => {
    const client = requireClient('claude-desktop')
    expect(client.snippet(connection)).toMatchObject({ language: 'text', text: url })
    expect(documentOf(client, { name, url: local, caFile: '/a/ca.pem' })).toEqual({
      mcpServers: {
        [name]: {
          command: 'npx',
          args: ['-y', 'mcp-remote', local],
          env: { NODE_EXTRA_CA_CERTS: '/a/ca.pem' },
        },
      },
    })
  })

  it('never hold a key', () => {
    for (const client of mcpClients.filter(({ auth }) => auth.includes('header'))) {
      const { text } = client.snippet({ ...withKey, url: client.dials === 'cloud' ? url : local })
      // The variable is named, in whatever way; VS Code asks by a name of its own.
      expect(text).toMatch(client.id === 'vscode' ? /\$\{input:/ : /SALLYPORT_WORK_KEY/)
    }
  })
})

describe('the commands', () => {
  it.each([
    ['claude-code', connection, `claude mcp add --transport http ${name} ${url}`],
    [
      'claude-code',
      withKey,
      `claude mcp add --transport http ${name} ${url} --header 'Authorization: Bearer \${${key}}'`,
    ],
    ['codex', withKey, `codex mcp add ${name} --url ${url} --bearer-token-env-var ${key}`],
    [
      'gemini-cli',
      withKey,
      `gemini mcp add --transport http -s user ${name} ${url} -H 'Authorization: Bearer \${${key}}'`,
    ],
    ['vscode', connection, `code --add-mcp '{"name":"${name}","type":"http","url":"${url}"}'`],
    // A command cannot make VS Code ask for the key.
    ['vscode', withKey, undefined],
  ])('of %s add the same entry', (id, given, expected) => {
    expect(requireClient(id).command?.(given)).toBe(expected)
  })
})

describe('the install links', () => {
  const links = (id: string) => requireClient(id).links?.(connection) ?? []

  it.each([
    ['cursor', 'cursor://anysphere.cursor-deeplink/mcp/install'],
    ['lm-studio', 'lmstudio://add_mcp'],
    ['lm-studio', 'https://lmstudio.ai/install-mcp'],
  ])('of %s carry the entry as base64: %s', (id, prefix) => {
    const link = links(id).find((one) => one.url.startsWith(`${prefix}?`))
    const { searchParams } = new URL(link?.url ?? '')
    expect(searchParams.get('name')).toBe(name)
    expect(JSON.parse(atob(searchParams.get('config') ?? ''))).toEqual({ url })
  })

  it('of VS Code carry the entry as JSON', () => {
    const [direct, redirect] = links('vscode').map((one) => one.url)
    expect(direct).toMatch(/^vscode:mcp\/install\?%7B/)
    const whole = JSON.parse(decodeURIComponent(direct?.split('?')[1] ?? ''))
    expect(whole).toEqual({ name, type: 'http', url })
    const { searchParams } = new URL(redirect ?? '')
    expect(JSON.parse(searchParams.get('config') ?? '')).toEqual({ type: 'http', url })
  })

  it('of Goose carry it as parameters, without plus signs', () => {
    const [link] = links('goose')
    expect(link?.url).not.toContain('+')
    expect(Object.fromEntries(new URL(link?.url ?? '').searchParams)).toMatchObject({
      url,
      type: 'streamable_http',
      id: name,
      name,
    })
  })
})

describe('the files', () => {
  const folders = (platform: NodeJS.Platform, more: Partial<UserFolders> = {}): UserFolders =>
    platform === 'win32'
      ? { platform, home: 'C:\\Users\\ada', projectDir: 'D:\\work', ...more }
      : { platform, home: '/home/ada', projectDir: '/work', ...more }
  const paths = (id: string, given: UserFolders) => requireClient(id).file?.paths(given)

  it.each([
    ['claude-code', 'linux', { project: '/work/.mcp.json', user: '/home/ada/.claude.json' }],
    [
      'claude-code',
      'win32',
      { project: 'D:\\work\\.mcp.json', user: 'C:\\Users\\ada\\.claude.json' },
    ],
    ['cursor', 'darwin', { project: '/work/.cursor/mcp.json', user: '/home/ada/.cursor/mcp.json' }],
    [
      'vscode',
      'linux',
      { project: '/work/.vscode/mcp.json', user: '/home/ada/.config/Code/User/mcp.json' },
    ],
    [
      'vscode',
      'darwin',
      {
        project: '/work/.vscode/mcp.json',
        user: '/home/ada/Library/Application Support/Code/User/mcp.json',
      },
    ],
    [
      'vscode',
      'win32',
      {
        project: 'D:\\work\\.vscode\\mcp.json',
        user: 'C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\mcp.json',
      },
    ],
    [
      'claude-desktop',
      'darwin',
      { user: '/home/ada/Library/Application Support/Claude/claude_desktop_config.json' },
    ],
    ['zed', 'darwin', { user: '/home/ada/.config/zed/settings.json' }],
    [
      'goose',
      'win32',
      { user: 'C:\\Users\\ada\\AppData\\Roaming\\Block\\goose\\config\\config.yaml' },
    ],
    ['codex', 'linux', { user: '/home/ada/.codex/config.toml' }],
    ['windsurf', 'linux', { user: '/home/ada/.codeium/windsurf/mcp_config.json' }],
  ] as const)('of %s on %s', (id, platform, expected) => {
    expect(paths(id, folders(platform))).toEqual(expected)
  })

  it('follow the variables that move them', () => {
    const moved = folders('linux', {
      xdgConfig: '/x',
      codexHome: '/codex',
      claudeConfigDir: '/claude',
    })
    expect(paths('codex', moved)).toEqual({ user: '/codex/config.toml' })
    expect(paths('claude-code', moved)?.user).toBe('/claude/.claude.json')
    expect(paths('goose', moved)).toEqual({ user: '/x/goose/config.yaml' })
  })
})

describe('a client that cannot work', () => {
  const cloud = mcpClients.filter(({ dials }) => dials === 'cloud').map(({ id }) => id)

  it('is one that calls from elsewhere, where the address is local', () => {
    expect(cloud).toEqual(['claude-ai', 'chatgpt', 'openai-api', 'anthropic-api'])
    const addresses = [
      local,
      'http://otter.example/api/mcp/work',
      'https://192.168.1.4:3443/api/mcp/work',
      'https://[::1]:3443/api/mcp/work',
      'https://mac.local/api/mcp/work',
    ]
    for (const id of cloud) {
      for (const one of addresses) {
        expect(() => requireUsable(requireClient(id), { name, url: one }), one).toThrow(
          expect.objectContaining({
            code: 'CLIENT_NEEDS_PUBLIC_ADDRESS',
            hint: expect.stringContaining('tunnel'),
          }),
        )
      }
      requireUsable(requireClient(id), connection)
    }
  })

  it('is one that would need a key in its file', () => {
    for (const id of ['zed', 'cline', 'lm-studio', 'inspector', 'chatgpt']) {
      expect(() => requireUsable(requireClient(id), withKey)).toThrow(/API key from a variable/)
    }
    requireUsable(requireClient('claude-code'), withKey)
  })
})

describe('the command that starts a client', () => {
  const files = (caFile: string) => ({ caFile, bundleFile: '/a/bundle.pem' })
  it.each([
    ['linux', '/a/ca.pem', 'NODE_EXTRA_CA_CERTS=/a/ca.pem claude'],
    ['darwin', '/my a/ca.pem', "NODE_EXTRA_CA_CERTS='/my a/ca.pem' claude"],
    ['linux', "/it's/ca.pem", "NODE_EXTRA_CA_CERTS='/it'\\''s/ca.pem' claude"],
    ['linux', '/$HOME/`x`', "NODE_EXTRA_CA_CERTS='/$HOME/`x`' claude"],
    ['win32', 'C:\\a b\\ca.pem', "$env:NODE_EXTRA_CA_CERTS='C:\\a b\\ca.pem'; claude"],
    ['win32', "C:\\it's", "$env:NODE_EXTRA_CA_CERTS='C:\\it''s'; claude"],
  ] as const)('names the authority on %s for %s', (platform, file, expected) => {
    const trust = { variable: nodeExtraCaCerts, files: files(file) }
    expect(launchCommand('claude', trust, platform)).toBe(expected)
  })

  it('names the bundle where the variable replaces the roots', () => {
    const trust = { variable: sslCertFile, files: files('/a/ca.pem') }
    expect(launchCommand('goose', trust, 'linux')).toBe('SSL_CERT_FILE=/a/bundle.pem goose')
  })
})
