import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ClientReport, OAuthClient } from './oauth-client.ts'
import { runCommand } from './run-command.ts'

const program = fileURLToPath(new URL('sdk-client.main.ts', import.meta.url))

/** An application made with the SDK of that generation. */
export function sdkClient(kind: 'v1' | 'v2', home: string): OAuthClient {
  return {
    name: `SDK ${kind}`,
    async use({ url, environment }) {
      await mkdir(home, { recursive: true })
      const { exitCode, output } = await runCommand(process.execPath, [program, kind, url], {
        cwd: home,
        env: { HOME: home, ...environment },
        timeoutMs: 25_000,
      })
      if (exitCode !== 0) throw new Error(output)
      return JSON.parse(output.trim().split('\n').at(-1) ?? '') as ClientReport
    },
  }
}
