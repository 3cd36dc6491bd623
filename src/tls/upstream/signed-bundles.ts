import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  verify,
  X509Certificate,
} from 'node:crypto'
import type { errors, JWK } from 'jose'
import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'
import type { UpstreamTls } from '../../lib/upstream-connections.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { isSealedBox, type SealingKey, seal, unseal } from '../../store/sealed-store.ts'
import type { Documents } from '../../store/store.ts'

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

/**
 * Signs and verifies bundles, one JWS (RFC 7515, EdDSA) for each server, with a key in the file
 * `keyFile` of mode 0600 that is made at first use and may be replaced by another process. Everything
 * throws UserError STORE_UNUSABLE when the key file cannot be used.
 */
export function createBundleSigner(keyFile: string) {
  const file = createKeyFile<{ readonly keys: readonly SigningKey[] }>({
    path: keyFile,
    parse: requireKeys,
    hint: `Run \`chmod 600 ${keyFile}\`, or restore the file from a backup. Without it the CA bundles have to be added again.`,
  })

  /** The current key first, and while everything is signed again the one before it. */
  async function keys(): Promise<readonly SigningKey[]> {
    return (await file.read())?.keys ?? []
  }

  async function verifyJws(server: string, jws: string): Promise<KeptBundle> {
    // Most gateways have no bundle.
    const { compactVerify, createLocalJWKSet, errors } = await import('jose')
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
  async function verifyEarlier(server: string, stored: unknown): Promise<KeptBundle> {
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
    return { server, ca, clientCertificate, changed }
  }

  return {
    /** What was stored for a server. @throws UserError CA_BUNDLE_REFUSED */
    verify: (server: string, stored: unknown): Promise<KeptBundle> =>
      typeof stored === 'string' ? verifyJws(server, stored) : verifyEarlier(server, stored),
    /** What to store. */
    async sign(bundle: KeptBundle): Promise<string> {
      await file.create(() => ({ keys: [generateKey()] }))
      const [key] = await keys()
      if (!key) throw new Error(`the key file ${keyFile} was removed while it was used`)
      const { CompactSign, importJWK } = await import('jose')
      return new CompactSign(new TextEncoder().encode(JSON.stringify(bundle)))
        .setProtectedHeader({ alg: 'EdDSA', kid: idOf(key) })
        .sign(await importJWK(key, 'EdDSA'))
    },
    /** Makes another key current, and forgets the others once everything is signed again. */
    async replaceKey<T>(signAgain: () => Promise<T>): Promise<{ keyId: string; resigned: T }> {
      const fresh = generateKey()
      await file.replace({ keys: [fresh, ...(await keys())] })
      const resigned = await signAgain()
      await file.replace({ keys: [fresh] })
      return { keyId: idOf(fresh), resigned }
    },
  }
}

export type BundleSigner = ReturnType<typeof createBundleSigner>

/** What is kept, below the names of servers. */
export const keptCollection = 'upstream-ca'
/** Where earlier versions kept the keys of client certificates. */
const earlierKeys = 'upstream-client-keys'

/** The bundles of a store, or as one change of it sees them. */
export function keptBundles(documents: Documents, signer: BundleSigner) {
  return {
    /** Undefined when nothing is kept. @throws UserError CA_BUNDLE_REFUSED */
    async load(server: string): Promise<KeptBundle | undefined> {
      // Text that is no JSON any more, or a damaged file, carries no signature.
      const stored = await documents.get(keptCollection, server).catch(() => null)
      if (stored === undefined) return undefined
      const bundle = await signer.verify(server, stored)
      if (bundle.clientCertificate === undefined || bundle.clientKey !== undefined) return bundle
      // Damaged, it is as good as gone.
      const clientKey = await documents.get(earlierKeys, server).catch(() => undefined)
      return { ...bundle, clientKey }
    },
    /** Without a bundle, removes what there is. */
    async write(server: string, bundle: KeptBundle | undefined): Promise<void> {
      await documents.delete(earlierKeys, server)
      if (bundle) await documents.set(keptCollection, server, await signer.sign(bundle))
      else await documents.delete(keptCollection, server)
    },
  }
}

/** What connections need of a bundle. @throws UserError CA_BUNDLE_REFUSED */
export async function tlsOf(
  { server, ca, clientCertificate: cert, clientKey }: KeptBundle,
  sealingKey: () => Promise<SealingKey>,
): Promise<UpstreamTls> {
  if (cert === undefined) return { ca }
  const key = unsealKey({ server, cert, clientKey }, await sealingKey())
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw bundleRefused(server, 'its client certificate and its key do not belong together')
  }
  return { ca, clientCertificate: { cert, key } }
}

function unsealKey(
  { server, cert, clientKey }: { server: string; cert: string; clientKey: unknown },
  sealingKey: SealingKey,
): string {
  if (!isSealedBox(clientKey)) {
    throw bundleRefused(server, 'the key of its client certificate was taken out')
  }
  const opened = unseal(sealingKey, keyPlace(server), clientKey)
  if (opened.ok) {
    // Earlier versions sealed a list: keys by the fingerprints of their certificates.
    const keys = opened.value as string | readonly (readonly [string, string])[]
    if (typeof keys === 'string') return keys
    const { fingerprint256 } = new X509Certificate(cert)
    const found = keys.find(([fingerprint]) => fingerprint === fingerprint256)
    if (found) return found[1]
  }
  const reason =
    !opened.ok && opened.reason === 'wrong-key'
      ? `the key of its client certificate was sealed with another key than the one from ${sealingKey.source}`
      : 'the key of its client certificate was changed since it was sealed'
  throw bundleRefused(server, reason)
}

/** The key of a client certificate as it is kept. */
export function sealClientKey(server: string, pem: string, sealingKey: SealingKey): unknown {
  return seal(sealingKey, keyPlace(server), pem)
}

function keyPlace(server: string): string[] {
  return [earlierKeys, server]
}

/** The failure of a bundle that must not be used; `reason` is the rest of a sentence. */
function bundleRefused(server: string, reason: string): UserError {
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

/** Handles the failure of a bundle that cannot be believed. */
export function undefinedIfRefused(error: unknown): undefined {
  if (!(error instanceof UserError) || error.code !== 'CA_BUNDLE_REFUSED') throw error
}

function reasonOf(error: errors.JOSEError): string {
  switch (error.code) {
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'it was signed with a key that is no longer ours'
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'it was changed since it was signed'
    default:
      return 'it carries no signature'
  }
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
