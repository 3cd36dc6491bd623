import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { CompactSign, compactVerify, createLocalJWKSet, errors, importJWK, type JWK } from 'jose'
import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'
import { createKeyFile } from '../../store/key-file.ts'
import type { Store } from '../../store/store.ts'

/** Who asks for a change: the user of the operating system or an admin session, and from where. */
export interface BundleChange {
  readonly by: string
  /** `cli`, or the address the request came from. */
  readonly from: string
}

/** What is kept for one server. */
export interface KeptBundle {
  readonly server: string
  /** PEM, one certificate each, roots first. */
  readonly ca: readonly string[]
  /** PEM, leaf first. */
  readonly clientCertificate?: string | undefined
  /** The key of that, sealed. */
  readonly clientKey?: unknown
  readonly changed: BundleChange & { readonly at: number }
}

/** An Ed25519 key as JWK (RFC 8037). */
type SigningKey = JWK & { readonly x: string }

const collection = 'upstream-ca'
/** Where earlier versions kept the keys of client certificates. */
const earlierKeys = 'upstream-client-keys'

/**
 * Bundles in `store`, one JWS (RFC 7515, EdDSA) for each server, signed with a key in the file `keyFile`
 * of mode 0600 that is made at first use and may be replaced by another process. Everything throws
 * UserError STORE_UNUSABLE when the key file cannot be used.
 */
export function createSignedBundles({ store, keyFile }: { store: Store; keyFile: string }) {
  const file = createKeyFile<{ readonly keys: readonly SigningKey[] }>({
    path: keyFile,
    parse: requireKeys,
    hint: `Run \`chmod 600 ${keyFile}\`, or restore the file from a backup. Without it the CA bundles have to be added again.`,
  })

  /** The current key first, and while everything is signed again the one before it. */
  async function keys(): Promise<readonly SigningKey[]> {
    return (await file.read())?.keys ?? []
  }

  async function verified(server: string, jws: string): Promise<KeptBundle> {
    const known = (await keys()).map((key) => ({ ...publicPart(key), kid: idOf(key) }))
    const { payload } = await compactVerify(jws, createLocalJWKSet({ keys: known }), {
      algorithms: ['EdDSA'],
    }).catch((error: unknown) => {
      throw error instanceof errors.JOSEError ? bundleRefused(server, reasonOf(error)) : error
    })
    const bundle = JSON.parse(new TextDecoder().decode(payload)) as KeptBundle
    if (bundle.server !== server) throw bundleRefused(server, 'it was signed for another server')
    return bundle
  }

  /** As earlier versions kept it: a signature of a form of its own, and the client's key elsewhere. */
  async function verifiedEarlier(server: string, stored: unknown): Promise<KeptBundle> {
    const { keyId, payload, signature } = (stored ?? {}) as Record<string, unknown>
    if (typeof payload !== 'string' || typeof signature !== 'string') {
      throw bundleRefused(server, 'it carries no signature')
    }
    const key = (await keys()).find((one) => idOf(one) === keyId)
    if (!key) throw bundleRefused(server, 'it was signed with a key that is no longer ours')
    const signed = Buffer.from(`sallyport upstream trust v1\n${payload}`)
    const publicKey = createPublicKey({ key: publicPart(key), format: 'jwk' })
    if (!verify(null, signed, publicKey, Buffer.from(signature, 'base64url'))) {
      throw bundleRefused(server, 'it was changed since it was signed')
    }
    const { place, content } = JSON.parse(payload) as { place: string; content: KeptBundle }
    if (place !== JSON.stringify(['bundle', server])) {
      throw bundleRefused(server, 'it was signed for another server')
    }
    const { ca, clientCertificate, changed } = content
    // Damaged, it is as good as gone.
    const clientKey = await store.get(earlierKeys, server).catch(() => undefined)
    return { server, ca, clientCertificate, clientKey, changed }
  }

  /** Undefined when nothing is kept. @throws UserError CA_BUNDLE_REFUSED */
  async function load(server: string): Promise<KeptBundle | undefined> {
    // Text that is no JSON any more, or a damaged file, carries no signature.
    const stored = await store.get(collection, server).catch(() => null)
    if (stored === undefined) return undefined
    return typeof stored === 'string' ? verified(server, stored) : verifiedEarlier(server, stored)
  }

  async function save(bundle: KeptBundle): Promise<void> {
    await file.create(() => ({ keys: [generateKey()] }))
    const [key] = await keys()
    if (!key) throw new Error(`the key file ${keyFile} was removed while it was used`)
    const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(bundle)))
      .setProtectedHeader({ alg: 'EdDSA', kid: idOf(key) })
      .sign(await importJWK(key, 'EdDSA'))
    await store.set(collection, bundle.server, jws)
    await store.delete(earlierKeys, bundle.server)
  }

  async function servers(): Promise<string[]> {
    return (await store.list(collection)).map(({ key }) => key)
  }

  return {
    load,
    save,
    /** Names of all for whom something is kept, sorted. */
    servers,
    async remove(server: string): Promise<void> {
      await store.delete(collection, server)
      await store.delete(earlierKeys, server)
    },
    /** Signs what verifies with a new key, and forgets the one before; what is refused stays so. */
    async signAgain(): Promise<{ keyId: string; resigned: string[] }> {
      const fresh = generateKey()
      await file.replace({ keys: [fresh, ...(await keys())] })
      const resigned: string[] = []
      for (const server of await servers()) {
        const bundle = await load(server).catch(undefinedIfRefused)
        if (!bundle) continue
        await save(bundle)
        resigned.push(server)
      }
      await file.replace({ keys: [fresh] })
      return { keyId: idOf(fresh), resigned }
    },
  }
}

/** The failure of a bundle that must not be used; `reason` is the rest of a sentence. */
export function bundleRefused(server: string, reason: string): UserError {
  const name = shellQuote(server)
  return new UserError(
    'CA_BUNDLE_REFUSED',
    `The server "${server}" is not connected to, because its CA bundle cannot be believed: ${reason}.`,
    {
      hint:
        `Put it in place again with \`pnpm sallyport ca add ${name} --replace <files>\`, or take it ` +
        `away with \`pnpm sallyport ca remove ${name}\`. If you did not change the state file, ` +
        'find out who did.',
    },
  )
}

/** Handles the failure to load a bundle that cannot be believed. */
export function undefinedIfRefused(error: unknown): undefined {
  if (!(error instanceof UserError) || error.code !== 'CA_BUNDLE_REFUSED') throw error
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWKSNoMatchingKey) {
    return 'it was signed with a key that is no longer ours'
  }
  return error instanceof errors.JWSSignatureVerificationFailed
    ? 'it was changed since it was signed'
    : 'it carries no signature'
}

function generateKey(): SigningKey {
  const { crv, kty, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { crv, kty, x, d } as SigningKey
}

function publicPart({ kty, crv, x }: SigningKey) {
  return { kty, crv, x } as { kty: string; crv: string; x: string }
}

function idOf({ x }: SigningKey): string {
  return createHash('sha256').update(x).digest('hex').slice(0, 16)
}

function requireKeys(value: unknown): { keys: SigningKey[] } {
  const keys = (value as { keys?: SigningKey[] } | null)?.keys
  const isKey = (jwk: SigningKey) => jwk?.crv === 'Ed25519' && typeof jwk.d === 'string'
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) {
    throw new Error('it holds no Ed25519 keys')
  }
  return { keys }
}
