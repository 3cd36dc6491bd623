import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmod, stat } from 'node:fs/promises'

/** Makes a P-256 key, as PKCS8 PEM. */
export function generateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Parses a private key, PEM or DER; the failure says what is wrong as the rest of a sentence. */
export function parseKey(content: string | Uint8Array): ParsedKey {
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content)
  if (!text.includes('-----BEGIN') && typeof content !== 'string') return parseDerKey(content)
  if (!text.includes('PRIVATE KEY-----'))
    return { ok: false, reason: 'it holds no PEM private key' }
  if (text.includes('ENCRYPTED')) {
    return { ok: false, reason: 'its key is protected by a passphrase', isEncrypted: true }
  }
  try {
    return { ok: true, key: createPrivateKey(text) }
  } catch {
    // The parser's own words name internal decoders, which help nobody.
    return { ok: false, reason: 'its key is damaged' }
  }
}

export type ParsedKey =
  | { readonly ok: true; readonly key: KeyObject }
  | { readonly ok: false; readonly reason: string; readonly isEncrypted?: true }

function parseDerKey(content: Uint8Array): ParsedKey {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return { ok: true, key: createPrivateKey({ key: Buffer.from(content), format: 'der', type }) }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // It is none of this form, or the last word is below.
      if (code === 'ERR_MISSING_PASSPHRASE') {
        return { ok: false, reason: 'its key is protected by a passphrase', isEncrypted: true }
      }
    }
  }
  return { ok: false, reason: 'it holds no private key that can be read' }
}

/** Takes all rights on one of our own key files away from everyone but its owner. */
export async function tightenKeyFile(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) await chmod(path, 0o600)
}
