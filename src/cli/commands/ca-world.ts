import { open } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { basename, resolve } from 'node:path'
import { messageOf, UserError } from '../../errors.ts'
import { diagnoseServer, openUpstreamBundles } from '../../gateway/open-upstream-bundles.ts'
import type { UploadedFile } from '../../tls/upstream/certificate-file.ts'
import { maxFileBytes } from '../../tls/upstream/certificate-file.ts'
import type { CommandWorld } from '../command-world.ts'
import type { CaDeps } from './ca.ts'
import { withStore } from './with-store.ts'

/** Runs a command on the bundles of this folder. */
export function withBundles(
  { output, process }: CommandWorld,
  run: (deps: CaDeps) => Promise<number>,
): Promise<number> {
  return withStore({ process }, ({ config, store }) => {
    const bundles = openUpstreamBundles({ config, store })
    const servers = Object.values(config.servers).map((server) => [
      server.name,
      server.type === 'stdio' ? undefined : server.url,
    ])
    return run({
      output,
      servers: Object.fromEntries(servers),
      bundles,
      change: { by: userName(), from: 'cli' },
      readFile: (path) => readBounded(resolve(process.cwd(), path)),
      diagnose: (name, url) => diagnoseServer({ name, url }, bundles),
    })
  })
}

/** The file, or so much of it as shows that it is too large. */
async function readBounded(path: string): Promise<UploadedFile> {
  try {
    await using file = await open(path)
    const buffer = Buffer.alloc(Math.min((await file.stat()).size, maxFileBytes + 1))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    return { name: basename(path), content: buffer.subarray(0, bytesRead) }
  } catch (error) {
    throw new UserError('USAGE', `The file ${path} cannot be read: ${messageOf(error)}.`, {
      hint: 'Nothing was changed.',
      cause: error,
    })
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user id without an entry in the system's list, as containers have.
    return String(process.getuid?.() ?? 'unknown')
  }
}
