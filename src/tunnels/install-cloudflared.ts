import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import { startClientHost } from './client-host.ts'
import { checksumOf, pinFileOf } from './cloudflared-binary.ts'
import type { TunnelDependencies } from './tunnel-provider.ts'

export interface InstallOptions {
  /** Path of the binary to be. */
  readonly to: string
  readonly signal: AbortSignal
  /** Hears how many bytes have arrived, some times a second. */
  readonly onProgress: (bytes: number) => void
  /** Program that downloads; another one only in tests. */
  readonly program?: string
}

/**
 * Downloads cloudflared with the `cloudflared` package's own function, in a process that can be
 * killed, as that function knows no timeout. The checksum is pinned beside the binary; nothing is
 * left of a download that failed. Call it only once a person has agreed.
 * @throws UserError TUNNEL_INSTALL_FAILED, or the signal's reason
 */
export async function installCloudflared(
  options: InstallOptions,
  dependencies: TunnelDependencies,
): Promise<{ path: string; sha256: string }> {
  const { to, signal } = options
  signal.throwIfAborted()
  const partial = `${to}.download`
  await mkdir(dirname(to), { recursive: true })
  try {
    await download(partial, options, dependencies)
    const sha256 = await checksumOf(partial)
    await writeFileAtomic(pinFileOf(to), `${sha256}\n`)
    await rename(partial, to)
    return { path: to, sha256 }
  } finally {
    await rm(partial, { force: true })
    await rm(`${partial}.tgz`, { force: true })
  }
}

async function download(
  to: string,
  { signal, onProgress, program = 'install-host.ts' }: InstallOptions,
  dependencies: TunnelDependencies,
): Promise<void> {
  const outcome = Promise.withResolvers<void>()
  const host = startClientHost(
    {
      program,
      settings: { to },
      secrets: [],
      onEvent(event) {
        if (event.type === 'progress') onProgress(event.bytes)
        if (event.type === 'done') outcome.resolve()
        if (event.type === 'failed') outcome.reject(installFailed(event.message))
      },
    },
    dependencies,
  )
  void host.exited.then(({ how, lastWords }) =>
    outcome.reject(installFailed(`${how} ${lastWords}`)),
  )
  const onAbort = () => outcome.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await outcome.promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    await host.stop()
  }
}

function installFailed(words: string): UserError {
  return new UserError(
    'TUNNEL_INSTALL_FAILED',
    `cloudflared could not be downloaded from github.com: ${words.trim()}.`,
    {
      hint: 'Download it yourself from https://developers.cloudflare.com/tunnel/downloads and set CLOUDFLARED_BIN.',
    },
  )
}
