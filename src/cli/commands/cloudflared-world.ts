import { join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { loadConfig } from '../../config/load.ts'
import { installedCloudflared } from '../../tunnels/cloudflared-binary.ts'
import { installCloudflared } from '../../tunnels/install-cloudflared.ts'
import type { CommandWorld } from '../command-world.ts'
import type { CloudflaredDeps } from './cloudflared.ts'

/** What `cloudflared install` is made of in the real world. */
export function createCloudflaredDeps({ output, process }: CommandWorld): CloudflaredDeps {
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  return {
    output,
    confirm: isTerminal
      ? async (message) => {
          const answer = await confirm({ message, initialValue: false })
          return !isCancel(answer) && answer
        }
      : undefined,
    async install(onProgress) {
      const { config } = await loadConfig({ projectDir: process.cwd() })
      const abort = new AbortController()
      const onSignal = () => abort.abort(new Error('the download was stopped'))
      process.once('SIGINT', onSignal)
      try {
        const to = installedCloudflared(join(config.home, 'bin'))
        return await installCloudflared({ to, signal: abort.signal, onProgress })
      } finally {
        process.off('SIGINT', onSignal)
      }
    },
  }
}
