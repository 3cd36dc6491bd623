import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { createKeyFile } from '../../store/key-file.ts'

/** An Ed25519 key that signs what we keep about upstreams. */
export interface BundleSigningKey {
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The keys of a folder. */
export interface BundleSigningKeys {
  /** The current key, which is made when there is none yet. */
  signing(): Promise<BundleSigningKey>
  /** Keys whose signatures are good: the current one and the one before it. */
  verifying(): Promise<readonly BundleSigningKey[]>
  /** Makes a new current key; the one before the previous verifies no longer. */
  rotate(): Promise<BundleSigningKey>
}

interface StoredKeys {
  /** Private keys (RFC 8037), the current one first. */
  readonly keys: readonly JsonWebKey[]
}

const keptKeys = 2

/**
 * The keys in the file `path`, of mode 0600, made at first use. Rotations of other processes are
 * noticed. Everything throws UserError STORE_UNUSABLE when the file cannot be used.
 */
export function createBundleSigningKeys(path: string): BundleSigningKeys {
  const file = createKeyFile<StoredKeys>({
    path,
    parse: requireKeys,
    hint: `Run \`chmod 600 ${path}\`, or restore the file from a backup. Without it the CA bundles have to be added again.`,
  })
  let loaded: { from: StoredKeys; keys: BundleSigningKey[] } | undefined

  async function verifying(): Promise<readonly BundleSigningKey[]> {
    const from = await file.read()
    if (!from) return []
    if (loaded?.from !== from) loaded = { from, keys: from.keys.map(toKey) }
    return loaded.keys
  }

  async function signing(): Promise<BundleSigningKey> {
    await file.create(() => ({ keys: [generateKey()] }))
    const [current] = await verifying()
    if (!current) throw new Error(`the key file ${path} was removed while it was used`)
    return current
  }

  return {
    verifying,
    signing,
    async rotate() {
      const kept = (await file.read())?.keys ?? []
      await file.replace({ keys: [generateKey(), ...kept].slice(0, keptKeys) })
      return signing()
    },
  }
}

function generateKey(): JsonWebKey {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
}

function toKey(jwk: JsonWebKey): BundleSigningKey {
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  const publicKey = createPublicKey(privateKey)
  const digest = createHash('sha256').update(String(jwk.x)).digest('hex')
  return { id: digest.slice(0, 16), privateKey, publicKey }
}

function requireKeys(value: unknown): StoredKeys {
  const keys = (value as Partial<StoredKeys> | null)?.keys
  const isKey = (jwk: JsonWebKey) => jwk?.crv === 'Ed25519' && typeof jwk.d === 'string'
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) {
    throw new Error('it holds no Ed25519 keys')
  }
  return { keys }
}
