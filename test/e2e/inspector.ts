import { mkdir } from 'node:fs/promises'
import { freePort } from '../fixtures/gateway.ts'
import type { OAuthClient } from './oauth-client.ts'
import { runCommand } from './run-command.ts'

/** The MCP Inspector on the command line: each request is a run of its own. */
export function inspector(bin: string, home: string): OAuthClient {
  return {
    name: 'MCP Inspector',
    async use({ url, environment }) {
      await mkdir(home, { recursive: true })
      const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`
      const run = async (...request: string[]) => {
        const args = ['--cli', url, '--transport', 'http', '--callback-url', callback]
        const { exitCode, output } = await runCommand(
          bin,
          [...args, ...request, '--format', 'json'],
          {
            cwd: home,
            timeoutMs: 25_000,
            env: {
              HOME: home,
              // Without a terminal it opens no browser unless told, and without a keychain it forgets.
              MCP_AUTO_OPEN_ENABLED: 'true',
              MCP_INSPECTOR_SECRET_STORE: 'file',
              ...environment,
            },
          },
        )
        if (exitCode !== 0) throw new Error(output)
        return output
      }
      const listed = await run('--method', 'tools/list')
      const call = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'text=hello']
      const echo = await run(...call, '--stored-auth-only')
      return { tools: readToolNames(listed), echo, cameBack: echo !== '' }
    },
  }
}

/** Of the one line that is JSON; the rest is talk. */
function readToolNames(output: string): string[] {
  const line = output.split('\n').findLast((one) => one.startsWith('{')) ?? '{}'
  const { result } = JSON.parse(line) as { result?: { tools?: { name: string }[] } }
  return (result?.tools ?? []).map(({ name }) => name)
}
