import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, constants, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TunnelFailure } from './tunnel-provider.ts'

const fileName = process.platform === 'win32' ? 'cloudflared.exe' : 'cloudflared'

export interface CloudflaredPlaces {
  /** `CLOUDFLARED_BIN`: the only place that is looked at when it is set. */
  readonly bin: string | undefined
  /** `PATH`. */
  readonly searchPath: string
  /** Folder of a binary that was installed on request, `.sallyport/bin`. */
  readonly installDir: string
}

export type CloudflaredSearch =
  | { readonly ok: true; readonly path: string }
  | ({ readonly ok: false } & TunnelFailure)

/** Finds cloudflared: the one that was named, then PATH, then the one we installed and pinned. */
export async function findCloudflared(places: CloudflaredPlaces): Promise<CloudflaredSearch> {
  if (places.bin !== undefined) {
    return (await isExecutable(places.bin)) ? { ok: true, path: places.bin } : notAt(places.bin)
  }
  for (const folder of places.searchPath.split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, fileName)
    if (await isExecutable(path)) return { ok: true, path }
  }
  return findInstalled(installedCloudflared(places.installDir))
}

/** Where `installCloudflared` puts the binary of a folder. */
export function installedCloudflared(installDir: string): string {
  return join(installDir, fileName)
}

/** File beside an installed binary that holds its checksum. */
export function pinFileOf(binary: string): string {
  return `${binary}.sha256`
}

/** SHA-256 of a file, in hexadecimal. */
export async function checksumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function findInstalled(path: string): Promise<CloudflaredSearch> {
  if (!(await isExecutable(path))) return missing
  const pinned = await readFile(pinFileOf(path), 'utf8').catch(() => '')
  if (pinned.trim() === (await checksumOf(path))) return { ok: true, path }
  return {
    ok: false,
    code: 'TUNNEL_CLIENT_CHANGED',
    message: `${path} is not the file that was installed: its checksum differs.`,
    hint: `Delete it, unless you replaced it yourself; then set CLOUDFLARED_BIN=${path}.`,
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

const missing: CloudflaredSearch = {
  ok: false,
  code: 'TUNNEL_CLIENT_MISSING',
  message: 'The cloudflared program was not found.',
  hint: 'Run `pnpm sallyport cloudflared install`, or set CLOUDFLARED_BIN.',
}

function notAt(path: string): CloudflaredSearch {
  return {
    ok: false,
    code: 'TUNNEL_CLIENT_MISSING',
    message: `There is no program at ${path}, where CLOUDFLARED_BIN says cloudflared is.`,
    hint: 'Correct CLOUDFLARED_BIN, or leave it empty to search PATH.',
  }
}
