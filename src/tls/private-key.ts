import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmod, stat } from 'node:fs/promises'

/** Makes a P-256 key, as PKCS8 PEM. */
export function generateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Parses a PEM private key; the failure says what is wrong as the rest of a sentence. */
export function parseKey(
  pem: string,
): { ok: true; key: KeyObject } | { ok: false; reason: string } {
  if (!pem.includes('PRIVATE KEY-----')) return { ok: false, reason: 'it holds no PEM private key' }
  if (pem.includes('ENCRYPTED'))
    return { ok: false, reason: 'its key is protected by a passphrase' }
  try {
    return { ok: true, key: createPrivateKey(pem) }
  } catch {
    // The parser's own words name internal decoders, which help nobody.
    return { ok: false, reason: 'its key is damaged' }
  }
}

/** Takes all rights on one of our own key files away from everyone but its owner. */
export async function tightenKeyFile(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) await chmod(path, 0o600)
}
