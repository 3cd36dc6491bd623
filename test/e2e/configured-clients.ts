import { readFile, realpath, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { messageOf } from '../../src/errors.ts'
import type { ClaudeCode } from './claude-code.ts'
import { listCodexServers } from './codex-app-server.ts'
import type { ConfiguredClient, InstalledProgram } from './configured-client.ts'
import { runCommand } from './run-command.ts'

const standard = 'sallyport'
const timeoutMs = 40_000

export function configuredClaudeCode(claude: ClaudeCode, home: string): ConfiguredClient {
  return {
    id: 'claude-code',
    name: 'Claude Code',
    home,
    async connect(environment, entry = standard) {
      const output = await claude.listServers(environment)
      const known = output.includes(`${entry}: `)
      return { known, connected: new RegExp(`${entry}: .*[✔✓] Connected`).test(output), output }
    },
  }
}

/** `codex mcp list` would only look for a login; the app server starts the servers. */
export function configuredCodex({ bin, home, path }: InstalledProgram): ConfiguredClient {
  return {
    id: 'codex',
    name: 'Codex',
    home,
    async connect(environment, entry = standard) {
      const servers = await listCodexServers(bin, {
        cwd: home,
        env: { PATH: path, HOME: home, ...environment },
        timeoutMs,
      })
      const server = servers.find(({ name }) => name === entry)
      const connected = Object.keys(server?.tools ?? {}).includes('echo')
      return { known: server !== undefined, connected, output: JSON.stringify(servers) }
    },
  }
}

/** Gemini CLI disables the servers of its user in folders that are not trusted. */
export function configuredGeminiCli({ bin, home, path }: InstalledProgram): ConfiguredClient {
  return {
    id: 'gemini-cli',
    name: 'Gemini CLI',
    home,
    async connect(environment, entry = standard) {
      const trusted = { [await realpath(home)]: 'TRUST_FOLDER' }
      await writeFile(join(home, '.gemini', 'trustedFolders.json'), JSON.stringify(trusted))
      const env = { PATH: path, HOME: home, ...environment }
      const { output } = await runCommand(bin, ['mcp', 'list'], { cwd: home, env, timeoutMs })
      return {
        known: output.includes(`${entry}: `),
        connected: new RegExp(`${entry}: .* - Connected`).test(output),
        output,
      }
    },
  }
}

export function configuredInspector({ bin, home, path }: InstalledProgram): ConfiguredClient {
  return {
    id: 'inspector',
    name: 'MCP Inspector',
    home,
    async connect(environment, entry = standard) {
      const args = ['--cli', '--server', entry, '--method', 'tools/list', '--format', 'json']
      const env = { PATH: path, HOME: home, ...environment }
      const { exitCode, output } = await runCommand(bin, args, { cwd: home, env, timeoutMs })
      const connected = exitCode === 0 && output.includes('"name":"echo"')
      return { known: !output.includes('not found'), connected, output }
    },
  }
}

interface StdioEntry {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** What Claude Desktop does with its file: it starts the entry's command, here mcp-remote. */
export function configuredDesktop({ bin, home, path }: InstalledProgram): ConfiguredClient {
  return {
    id: 'claude-desktop',
    name: 'the bridge of Claude Desktop',
    home,
    async connect(environment, entry = standard) {
      const file = join(home, '.config', 'Claude', 'claude_desktop_config.json')
      const config = JSON.parse(await readFile(file, 'utf8')) as {
        mcpServers: Record<string, StdioEntry>
      }
      const server = config.mcpServers[entry]
      if (!server) return { known: false, connected: false, output: JSON.stringify(config) }
      // The entry itself says whom to trust.
      const { NODE_EXTRA_CA_CERTS, ...others } = environment
      const trust = NODE_EXTRA_CA_CERTS === undefined ? {} : server.env
      const transport = new StdioClientTransport({
        command: server.command,
        args: [...server.args],
        // npx takes the mcp-remote of this folder.
        cwd: dirname(dirname(dirname(bin))),
        env: { PATH: path, HOME: home, ...others, ...trust },
        stderr: 'pipe',
      })
      return { known: true, ...(await listThrough(transport)) }
    },
  }
}

async function listThrough(transport: StdioClientTransport) {
  let output = ''
  transport.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const client = new Client({ name: 'stdio-application', version: '1.0.0' })
  try {
    await client.connect(transport, { timeout: timeoutMs })
    const { tools } = await client.listTools()
    return { connected: tools.some(({ name }) => name === 'echo'), output }
  } catch (error) {
    return { connected: false, output: `${output}\n${messageOf(error)}` }
  } finally {
    await client.close()
  }
}
