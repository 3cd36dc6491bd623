import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import { messageOf, UserError } from '../../errors.ts'
import { createFileAtomic, writeFileAtomic } from '../../lib/atomic-file.ts'

/** The algorithm that access tokens and ID tokens are signed with. */
export const signingAlgorithm = 'ES256'

/** The secrets of the authorization server, the current ones first. */
export interface KeyRing {
  /** Private keys; the first signs, the others were rotated out and still verify. */
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly publicJwks: JSONWebKeySet
  readonly cookieKeys: readonly string[]
}

export interface SigningKeys {
  /** The keys as the file has them now; the same object until the file changes. */
  current(): Promise<KeyRing>
}

interface KeyFile {
  keys: { jwk: JWK; retiredAt?: number }[]
  cookieKeys: string[]
}

/** A retired key verifies for a day, far longer than any token it signed, ms. */
const retiredForMs = 24 * 3_600_000

/**
 * Opens the key file, which is created with mode 0600 at first use. A rotation by another process
 * is noticed.
 * @throws UserError STORE_UNUSABLE when the file cannot be used
 */
export async function openSigningKeys(path: string): Promise<SigningKeys> {
  let loaded: { version: string; ring: KeyRing } | undefined

  async function current(): Promise<KeyRing> {
    const { mtimeMs, ino } = await stat(path)
    const version = `${ino} ${mtimeMs}`
    if (loaded?.version !== version) loaded = { version, ring: toRing(await readKeyFile(path)) }
    return loaded.ring
  }

  try {
    await createFileAtomic(path, await freshFile(), { mode: 0o600 })
    await requirePrivate(path)
    await current()
  } catch (error) {
    throw unusable(path, error)
  }
  return { current }
}

/**
 * Signs with a new key from now on. What the earlier one signed stays good until it expires.
 * @returns the id of the new key
 * @throws UserError STORE_UNUSABLE when the file cannot be used
 */
export async function rotateSigningKeys(path: string, now: number): Promise<string> {
  try {
    await createFileAtomic(path, await freshFile(), { mode: 0o600 })
    const file = await readKeyFile(path)
    const kept = file.keys
      .map(({ jwk, retiredAt = now }) => ({ jwk, retiredAt }))
      .filter(({ retiredAt }) => retiredAt > now - retiredForMs)
    const jwk = await createKey()
    const cookieKeys = [createCookieKey(), ...file.cookieKeys.slice(0, 1)]
    const next: KeyFile = { keys: [{ jwk }, ...kept], cookieKeys }
    await writeFileAtomic(path, format(next), { mode: 0o600 })
    return String(jwk.kid)
  } catch (error) {
    throw unusable(path, error)
  }
}

async function requirePrivate(path: string): Promise<void> {
  // Windows has no such modes; the folder's access list decides there.
  if (process.platform === 'win32') return
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) throw new Error('other users can read it')
}

async function freshFile(): Promise<string> {
  return format({ keys: [{ jwk: await createKey() }], cookieKeys: [createCookieKey()] })
}

async function createKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: signingAlgorithm, use: 'sig' }
}

function createCookieKey(): string {
  return randomBytes(32).toString('base64url')
}

async function readKeyFile(path: string): Promise<KeyFile> {
  const file = JSON.parse(await readFile(path, 'utf8')) as KeyFile
  if (!file.keys?.[0]?.jwk?.d || !file.cookieKeys?.[0]) throw new Error('it holds no keys')
  return file
}

function toRing(file: KeyFile): KeyRing {
  const keys = file.keys.map(({ jwk }) => jwk)
  return {
    jwks: { keys },
    publicJwks: { keys: keys.map(({ d: _, ...jwk }) => jwk) },
    cookieKeys: file.cookieKeys,
  }
}

function format(file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
}

function unusable(path: string, cause: unknown): UserError {
  return new UserError('STORE_UNUSABLE', `Cannot use the key file ${path}: ${messageOf(cause)}.`, {
    hint: `Run \`chmod 600 ${path}\`, or move the file away: then new keys are made and clients log in again.`,
    cause,
  })
}
