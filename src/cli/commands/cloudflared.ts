import { join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { loadConfig } from '../../config/load.ts'
import { UserError } from '../../errors.ts'
import { installedCloudflared } from '../../tunnels/cloudflared-binary.ts'
import { installCloudflared } from '../../tunnels/install-cloudflared.ts'
import type { Output, World } from '../output.ts'

/** Installs cloudflared into the folder of state of this project. */
export function cloudflared(
  { yes }: { yes: boolean },
  { output, process }: World,
): Promise<number> {
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  return runCloudflaredInstall(
    { yes },
    {
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
    },
  )
}

/**
 * What `cloudflared install` is made of.
 * @internal
 */
export interface CloudflaredDeps {
  readonly output: Output
  /** Asks a person; undefined without a terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined
  /** Downloads the release whose checksums are known, and pins what came of it. */
  readonly install: (
    onProgress: (bytes: number) => void,
  ) => Promise<{ path: string; sha256: string }>
}

/**
 * Installs cloudflared into `.sallyport/bin`, after asking. Resolves with the exit code.
 * @throws UserError USAGE without a terminal and without `--yes`; TUNNEL_INSTALL_FAILED
 * @internal
 */
export async function runCloudflaredInstall(
  { yes }: { yes: boolean },
  { output, confirm, install }: CloudflaredDeps,
): Promise<number> {
  if (!yes && !confirm) {
    throw new UserError('USAGE', 'There is no terminal to ask whether to download cloudflared.', {
      hint: 'Pass --yes to download it without being asked.',
    })
  }
  const question =
    'Download cloudflared from github.com/cloudflare/cloudflared into .sallyport/bin?'
  if (!yes && !(await confirm?.(question))) {
    output.talk('  Nothing was downloaded.')
    return 1
  }
  const { path, sha256 } = await install((bytes) =>
    output.progress(`Downloading cloudflared: ${(bytes / 2 ** 20).toFixed(1)} MiB`),
  )
  output.progress(undefined)
  output.data({ path, sha256 })
  output.answer(
    `  Installed ${path}\n  SHA-256   ${sha256}\n\n  It is the release that was expected. The checksum is pinned: another file there is not run.\n`,
  )
  return 0
}
