import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Puts an executable `cloudflared`, the stand-in, into a folder and returns its path. */
export async function placeCloudflared(folder: string): Promise<string> {
  const program = fileURLToPath(new URL('./cloudflared.ts', import.meta.url))
  const path = join(folder, 'cloudflared')
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
  await chmod(path, 0o755)
  return path
}
