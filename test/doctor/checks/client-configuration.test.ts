import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clientConfiguration, ourEntries } from '../../../src/doctor/checks/client-configuration.ts'
import { temporaryFolder } from '../../cli/helpers.ts'
import { say, startLab } from '../lab.ts'

async function put(path: string, value: object | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
}

const gone = 'https://old-otter.invalid'

describe('the check of client configuration', () => {
  it('follows every entry of ours to where it leads', async () => {
    const other = await startLab()
    const lab = await startLab()
    const { appUrl } = lab.gateway.status()
    const { httpPort } = other.config.listen
    const { projectDir } = lab.config
    const home = await temporaryFolder()
    await put(join(projectDir, '.mcp.json'), {
      mcpServers: {
        sallyport: { type: 'http', url: `${appUrl}/api/mcp/default` },
        'sallyport-work': { type: 'http', url: `${appUrl}/api/mcp/work` },
        stranger: { type: 'http', url: 'https://elsewhere.example/mcp' },
        local: { command: 'true' },
      },
    })
    await put(join(projectDir, '.vscode/mcp.json'), {
      servers: { renamed: { url: `${gone}/api/mcp/default` } },
    })
    await put(
      join(home, '.cursor/mcp.json'),
      `{ // comments are allowed\n "mcpServers": { "sallyport": { "url": "http://localhost:${httpPort}/api/mcp/default" } } }`,
    )
    expect(await say(clientConfiguration, await lab.world({ HOME: home }))).toEqual([
      'ok: .mcp.json leads "sallyport" to this gateway.',
      `warn: .mcp.json leads "sallyport-work" to ${appUrl}/api/mcp/work, but there is no profile "work". -> pnpm sallyport client claude-code --write`,
      `warn: .vscode/mcp.json leads "renamed" to ${gone}, where no gateway answers now. -> pnpm sallyport client vscode --write`,
      `ok: ~/.cursor/mcp.json leads "sallyport" to another Sallyport gateway, at http://localhost:${httpPort}.`,
    ])
  })

  it('knows what will be served once the gateway runs', async () => {
    const lab = await startLab()
    const { httpsPort } = lab.config.listen
    await put(join(lab.config.projectDir, '.mcp.json'), {
      mcpServers: { sallyport: { url: `https://localhost:${httpsPort}/api/mcp/default` } },
    })
    const world = await lab.world({}, { gateway: { state: 'absent' } })
    expect(await say(clientConfiguration, world)).toEqual([
      `ok: .mcp.json leads "sallyport" to https://localhost:${httpsPort}, which is served once the gateway runs.`,
    ])
  })
})

describe('an entry of ours', () => {
  const keys = [['mcpServers']]
  it.each([
    [{ sallyport: { url: 'https://a.test/x' } }, ['sallyport']],
    [{ 'sallyport-work': { httpUrl: 'https://a.test/x' } }, ['sallyport-work']],
    [{ any: { serverUrl: 'https://a.test/api/mcp/work' } }, ['any']],
    [{ any: { command: 'npx', args: ['-y', 'mcp-remote', 'https://a.test/api/mcp/w'] } }, ['any']],
    [{ sallyportish: { url: 'https://a.test/mcp' } }, []],
    [{ sallyport: { command: 'node' } }, []],
    [{ sallyport: { url: '$URL' } }, []],
    [{ sallyport: null }, []],
    [[], []],
  ])('is recognised in %j', (mcpServers, expected) => {
    const found = ourEntries(JSON.stringify({ mcpServers }), { format: 'json', keys })
    expect(found.map(({ name }) => name)).toEqual(expected)
  })

  it.each(['', '{', '[]', '"text"', 'null'])('is not looked for in %j', (text) => {
    expect(ourEntries(text, { format: 'json', keys })).toEqual([])
  })
})
