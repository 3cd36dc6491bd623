import { randomBytes } from 'node:crypto'
import type { JSONWebKeySet, JWK } from 'jose'
import { createKeyFile } from '../../store/key-file.ts'

/** What access tokens and ID tokens are signed with: all must verify it (RFC 9068 section 2.1). */
export const signingAlgorithm = 'RS256'

/** The secrets of the authorization server, the current ones first. */
export interface KeyRing {
  /** Private keys; the first signs, the others were rotated out and still verify. */
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly publicJwks: JSONWebKeySet
  readonly cookieKeys: readonly string[]
}

interface KeyRingFile {
  keys: { jwk: JWK; retiredAt?: number }[]
  cookieKeys: string[]
}

/** A retired key verifies for a day, far longer than any token it signed, ms. */
const retiredForMs = 24 * 3_600_000

export type SigningKeys = Awaited<ReturnType<typeof openSigningKeys>>

/**
 * Opens the key file, which is created with mode 0600 at first use. A rotation by another process
 * is noticed.
 * @throws UserError STORE_UNUSABLE when the file cannot be used
 */
export async function openSigningKeys(path: string) {
  const keyFile = signingKeyFile(path)
  let loaded: { file: KeyRingFile; ring: KeyRing } | undefined

  /** The keys as the file has them now; the same object until the file changes. */
  async function current(): Promise<KeyRing> {
    const file = await keyFile.read()
    if (!file) throw new Error(`the key file ${path} was removed`)
    if (loaded?.file !== file) loaded = { file, ring: toRing(file) }
    return loaded.ring
  }

  await keyFile.create(freshFile)
  const { jwks } = await current()
  if (jwks.keys[0]?.alg !== signingAlgorithm) await rotateSigningKeys(path, Date.now())
  return { current }
}

/**
 * Signs with a new key from now on. What the earlier one signed stays good until it expires.
 * @returns the id of the new key
 * @throws UserError STORE_UNUSABLE when the file cannot be used
 */
export async function rotateSigningKeys(path: string, now: number): Promise<string> {
  const keyFile = signingKeyFile(path)
  await keyFile.create(freshFile)
  const file = await keyFile.read()
  const kept = (file?.keys ?? [])
    .map(({ jwk, retiredAt = now }) => ({ jwk, retiredAt }))
    .filter(({ retiredAt }) => retiredAt > now - retiredForMs)
  const jwk = await createKey()
  const cookieKeys = [createCookieKey(), ...(file?.cookieKeys ?? []).slice(0, 1)]
  await keyFile.replace({ keys: [{ jwk }, ...kept], cookieKeys })
  return String(jwk.kid)
}

function signingKeyFile(path: string) {
  return createKeyFile<KeyRingFile>({
    path,
    parse: requireKeys,
    hint: `Run \`chmod 600 ${path}\`, or move the file away: then new keys are made and clients log in again.`,
  })
}

async function freshFile(): Promise<KeyRingFile> {
  return { keys: [{ jwk: await createKey() }], cookieKeys: [createCookieKey()] }
}

async function createKey(): Promise<JWK> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: signingAlgorithm, use: 'sig' }
}

function createCookieKey(): string {
  return randomBytes(32).toString('base64url')
}

function requireKeys(value: unknown): KeyRingFile {
  const file = value as Partial<KeyRingFile> | null
  if (!file?.keys?.[0]?.jwk?.d || !file.cookieKeys?.[0]) throw new Error('it holds no keys')
  return file as KeyRingFile
}

function toRing(file: KeyRingFile): KeyRing {
  const keys = file.keys.map(({ jwk }) => jwk)
  return {
    jwks: { keys },
    publicJwks: { keys: keys.map(toPublic) },
    cookieKeys: file.cookieKeys,
  }
}

function toPublic({ kty, kid, alg, use, n, e, crv, x, y }: JWK): JWK {
  const parameters = kty === 'RSA' ? { n, e } : { crv, x, y }
  return { kty, kid, alg, use, ...parameters } as JWK
}
