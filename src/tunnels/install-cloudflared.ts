import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { messageOf, UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import { checksumOf, pinFileOf } from './cloudflared-binary.ts'

const version = '2026.8.2'
const folder = `https://github.com/cloudflare/cloudflared/releases/download/${version}`

/** The SHA-256 that GitHub publishes for each file of that release, by platform and architecture. */
const files: Readonly<Record<string, readonly [name: string, sha256: string]>> = {
  'linux-x64': [
    'cloudflared-linux-amd64',
    'fcfb02b575a52ca1af2e3267af4e1517bcdeb30ac48c834c69abaed3c0576ad2',
  ],
  'linux-arm64': [
    'cloudflared-linux-arm64',
    '7747d94570fb390cf47dcb4f9555c193c6355cda9793f0d878d9049e5d6a7790',
  ],
  'linux-arm': [
    'cloudflared-linux-arm',
    '19809425f60a6261241dfa66a42b4115bab07c295396a3c4d5d7c247fc4e1412',
  ],
  'linux-ia32': [
    'cloudflared-linux-386',
    '39845d980a4b74b9c84530a28d8fea1fe6c476de26460275602162b349f1cbef',
  ],
  'darwin-x64': [
    'cloudflared-darwin-amd64.tgz',
    'f1727723c586500e2092368ae21871b3df7ddfd2cb097f22d81bee4a9c458bb4',
  ],
  'darwin-arm64': [
    'cloudflared-darwin-arm64.tgz',
    '9042c2c5d8b2de78e60f313d5fb31b6c5c1cebde787a3caf1f2c9588084ac442',
  ],
  'win32-x64': [
    'cloudflared-windows-amd64.exe',
    'c29eee2b121f5436a642eed69fd9767da7e7b8c510fa50aaa130337f931357b5',
  ],
  'win32-ia32': [
    'cloudflared-windows-386.exe',
    '6acb072357618fa16c53c43e05438ed728aacd47119f1c6c3aa1a668c3299b43',
  ],
}

/** A file to download, and what it must be. One whose name ends in `.tgz` holds `cloudflared`. */
export interface CloudflaredFile {
  readonly version: string
  readonly url: string
  readonly sha256: string
}

/** The file of the release we know, for a machine. */
function cloudflaredFileFor({ platform, arch }: Machine): CloudflaredFile | undefined {
  const file = files[`${platform}-${arch}`]
  return file && { version, url: `${folder}/${file[0]}`, sha256: file[1] }
}

/** As Node names them. */
type Machine = Readonly<Record<'platform' | 'arch', string>>

/** Twice the largest file of a release: more is not it, and would only fill the disk. */
const maxBytes = 128 * 2 ** 20
const progressBytes = 2 ** 20
const byHand =
  'download it yourself from https://developers.cloudflare.com/tunnel/downloads and set CLOUDFLARED_BIN.'

export interface InstallOptions {
  /** Path of the binary to be. */
  readonly to: string
  readonly signal: AbortSignal
  /** Hears how many bytes have arrived, at the first and with each MiB. */
  readonly onProgress: (bytes: number) => void
  /** This one unless given. */
  readonly machine?: Machine
  /** The file of the release we know, for that machine; another one only in tests. */
  readonly file?: CloudflaredFile | undefined
}

/**
 * Downloads the release of cloudflared whose checksums we know, and nothing else: a file with another
 * one is deleted before anything of it was unpacked or run. The checksum of the program is pinned
 * beside it. Nothing is left of a download that failed. Call it only once a person has agreed.
 * @throws UserError TUNNEL_INSTALL_FAILED, or the signal's reason
 */
export async function installCloudflared({
  to,
  signal,
  onProgress,
  machine = process,
  file = cloudflaredFileFor(machine),
}: InstallOptions): Promise<{ path: string; sha256: string }> {
  signal.throwIfAborted()
  if (!file) throw noFile(machine)
  const partial = `${to}.download`
  const unpacked = `${to}.unpacked`
  await mkdir(dirname(to), { recursive: true })
  try {
    await download(file, { to: partial, signal, onProgress })
    await requireChecksum(partial, file)
    const program = file.url.endsWith('.tgz') ? await unpack(partial, unpacked) : partial
    await chmod(program, 0o755)
    const sha256 = await checksumOf(program)
    await writeFileAtomic(pinFileOf(to), `${sha256}\n`)
    await rename(program, to)
    return { path: to, sha256 }
  } finally {
    await rm(partial, { force: true })
    await rm(unpacked, { recursive: true, force: true })
  }
}

async function download(
  { url }: CloudflaredFile,
  { to, signal, onProgress }: Pick<InstallOptions, 'to' | 'signal' | 'onProgress'>,
): Promise<void> {
  try {
    const answer = await fetch(url, { signal })
    if (!answer.ok || !answer.body) throw new Error(`it answered HTTP ${answer.status}`)
    let bytes = 0
    let told = -progressBytes
    async function* counted(chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        bytes += chunk.byteLength
        if (bytes > maxBytes) throw new Error(`it is larger than ${maxBytes / 2 ** 20} MiB`)
        if (bytes - told >= progressBytes) {
          told = bytes
          onProgress(bytes)
        }
        yield chunk
      }
    }
    await pipeline(answer.body, counted, createWriteStream(to), { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new UserError(
      'TUNNEL_INSTALL_FAILED',
      `cloudflared could not be downloaded from ${new URL(url).host}: ${reasonOf(error)}.`,
      { hint: `Try again, or ${byHand}`, cause: error },
    )
  }
}

/** What `fetch` says by itself is "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}

async function requireChecksum(
  path: string,
  { url, version, sha256 }: CloudflaredFile,
): Promise<void> {
  const found = await checksumOf(path)
  if (found === sha256) return
  throw new UserError(
    'TUNNEL_INSTALL_FAILED',
    `What ${new URL(url).host} sent is not cloudflared ${version}: its SHA-256 is ${found}, not ${sha256}. It was deleted, and nothing of it was run.`,
    {
      hint: `Something between here and there changes downloads, or the file is damaged. Try again on another network, or ${byHand}`,
    },
  )
}

/** Takes the program, and nothing else, out of an archive that is known to be the right one. */
async function unpack(archive: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await promisify(execFile)('tar', ['-xzf', archive, '-C', folder, 'cloudflared'])
  return join(folder, 'cloudflared')
}

function noFile({ platform, arch }: Machine): UserError {
  const system = `${platform} on ${arch}`
  return new UserError(
    'TUNNEL_INSTALL_FAILED',
    `Of the cloudflared that is known here there is none for ${system}.`,
    { hint: `Install it with the system's package manager, or ${byHand}` },
  )
}
