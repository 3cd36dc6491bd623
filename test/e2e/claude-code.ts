import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { placeFor } from './npm-program.ts'
import { type CommandResult, runCommand } from './run-command.ts'

// The tag matters: without it npm picks the newest version for its own Node, an old one on Node 20,
// while the program itself is native.
const packageName = '@anthropic-ai/claude-code'
const newest = `${packageName}@latest`

/** Claude Code in a folder of its own, with a home nobody else uses. */
export interface ClaudeCode {
  readonly version: string
  /** Adds an HTTP server for this user. */
  addServer(name: string, url: string): Promise<CommandResult>
  /** What `claude mcp list` prints; it connects to every server for that. */
  listServers(environment?: Record<string, string>): Promise<string>
  /** `claude mcp login`, in a terminal, which it insists on. */
  login(name: string, environment: Record<string, string>): Promise<CommandResult>
  /** `claude -p`, without any questions back. */
  ask(
    prompt: string,
    options: { allowedTool: string; environment: Record<string, string> },
  ): Promise<CommandResult>
}

export type Installation =
  | { ok: true; claude: ClaudeCode }
  /** `exists`: npm knows the package, so that it should have been installable. */
  | { ok: false; exists: boolean; reason: string }

/** Installs Claude Code from npm into `folder`. */
export async function installClaudeCode(folder: string): Promise<Installation> {
  await mkdir(join(folder, 'home'), { recursive: true })
  const place = await placeFor(newest, folder)
  let version = await readVersion(folder)
  if (version !== undefined) return { ok: true, claude: claudeIn(folder, version) }
  const npm = (...args: string[]) => runCommand('npm', args, { cwd: place })
  const installed = await npm('install', '--no-audit', '--no-fund', newest)
  version = await readVersion(folder)
  if (version === undefined && installed.exitCode === 0) {
    // npm 11 runs no install script without consent; this one links the native program.
    await npm('install-scripts', 'approve', packageName)
    await npm('rebuild', packageName)
    version = await readVersion(folder)
  }
  if (version !== undefined) return { ok: true, claude: claudeIn(folder, version) }
  const known = await npm('view', newest, 'version')
  return { ok: false, exists: known.exitCode === 0, reason: lastLines(installed.output) }
}

async function readVersion(folder: string): Promise<string | undefined> {
  const { exitCode, output } = await runClaude(folder, ['--version'])
  return exitCode === 0 ? output.trim() : undefined
}

function claudeIn(folder: string, version: string): ClaudeCode {
  return {
    version,
    addServer: (name, url) =>
      runClaude(folder, ['mcp', 'add', '--transport', 'http', '--scope', 'user', name, url]),
    listServers: async (environment) =>
      (await runClaude(folder, ['mcp', 'list'], environment)).output,
    login: (name, environment) => {
      // util-linux's way to run a program in a terminal of its own.
      const args = ['-qec', `"${claudeBin(folder)}" mcp login ${name}`, '/dev/null']
      return runIn(folder, { command: 'script', args, environment, timeoutMs: 25_000 })
    },
    ask: (prompt, { allowedTool, environment }) =>
      runClaude(folder, ['-p', prompt, '--allowedTools', allowedTool], environment),
  }
}

function claudeBin(folder: string): string {
  return join(folder, 'node_modules', '.bin', 'claude')
}

function runClaude(folder: string, args: readonly string[], environment = {}) {
  return runIn(folder, { command: claudeBin(folder), args, environment })
}

// A bare environment: no certificate variable of this machine may vouch for the gateway.
function runIn(
  folder: string,
  run: {
    command: string
    args: readonly string[]
    environment: Record<string, string>
    timeoutMs?: number
  },
) {
  const { command, args, environment, timeoutMs = 120_000 } = run
  const home = join(folder, 'home')
  return runCommand(command, args, {
    cwd: home,
    timeoutMs,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      ...environment,
    },
  })
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-5).join('\n')
}
