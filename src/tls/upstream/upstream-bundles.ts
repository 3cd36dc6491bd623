import { createPrivateKey, X509Certificate } from 'node:crypto'
import { UserError } from '../../errors.ts'
import { createSerial } from '../../lib/serial.ts'
import type { UpstreamTls } from '../../lib/upstream-connections.ts'
import { isSealedBox, type SealingKey, seal, unseal } from '../../store/sealed-store.ts'
import type { Store } from '../../store/store.ts'
import type { UploadedFile } from './certificate-file.ts'
import {
  type BundleDescription,
  bundleFingerprint,
  describeBundle,
  describeRefused,
} from './describe-bundle.ts'
import { type ClientCertificateFiles, judgeClientCertificate } from './judge-client-certificate.ts'
import { type FileVerdict, judgeFiles } from './judge-files.ts'
import { orderChain } from './order-chain.ts'
import {
  type BundleChange,
  bundleRefused,
  createSignedBundles,
  type KeptBundle,
  undefinedIfRefused,
} from './signed-bundles.ts'

export interface BundleUpload {
  /** What becomes of the authorities that are kept already. */
  readonly mode: 'add' | 'replace'
  /** Authorities; none leaves those that are kept as they are. */
  readonly files: readonly UploadedFile[]
  readonly clientCertificate?: ClientCertificateFiles | undefined
}

/** What became of an upload: `stored` is false when a file was refused, or when nothing is new. */
export interface BundleOutcome {
  /** Every file was accepted. Without that, nothing is stored. */
  readonly accepted: boolean
  readonly stored: boolean
  readonly files: readonly FileVerdict[]
  /** The bundle as it is now. */
  readonly bundle: BundleDescription | undefined
}

export interface AuditEntry extends BundleChange {
  readonly at: number
  readonly server: string
  readonly action:
    | 'replace'
    | 'add'
    | 'remove'
    | 'set-client-certificate'
    | 'remove-client-certificate'
    | 'rotate-keys'
    /** Files that were offered, and not taken. */
    | 'refuse'
  /** Fingerprints of the bundle, or `refused`; undefined where there was, or is, none. */
  readonly before: string | undefined
  readonly after: string | undefined
  /** A sentence; of what was refused. */
  readonly reason?: string
}

const auditCollection = 'upstream-ca-audit'
const auditLength = 1000

/** Whether what is stored verifies, and what it is: two of a kind hold the same. */
export type BundleState = Pick<BundleDescription, 'state' | 'fingerprint'>

export type UpstreamBundles = ReturnType<typeof createUpstreamBundles>

/**
 * The authorities and client certificates of upstreams, by the server's name. Each is signed when it
 * is written, and every read verifies that. Changes of one process happen one after the other.
 */
export function createUpstreamBundles(options: {
  readonly store: Store
  /** Where the key is that signs them. */
  readonly keyFile: string
  /** Asked for when there is a client certificate, not before. */
  readonly sealingKey: () => Promise<SealingKey>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}) {
  const { store, sealingKey, now } = options
  const signed = createSignedBundles(options)
  const inOrder = createSerial()

  /** What is kept, and what of it connections need. @throws UserError CA_BUNDLE_REFUSED */
  async function load(server: string) {
    const bundle = await signed.load(server)
    return bundle && { bundle, tls: await tlsOf(bundle, sealingKey) }
  }

  async function judge<T>(
    server: string,
    say: { good: (bundle: KeptBundle) => T; refused: (error: UserError) => T },
  ): Promise<T | undefined> {
    try {
      const loaded = await load(server)
      return loaded && say.good(loaded.bundle)
    } catch (error) {
      if (error instanceof UserError) return say.refused(error)
      throw error
    }
  }

  /** Reports a bad signature instead of throwing; undefined when nothing is stored. */
  function describe(server: string): Promise<BundleDescription | undefined> {
    return judge<BundleDescription>(server, {
      good: (bundle) => describeBundle(bundle, now()),
      refused: (error) => describeRefused(server, error),
    })
  }

  /** As `describe`, without the work of it: for those who look every few seconds. */
  function state(server: string): Promise<BundleState | undefined> {
    return judge<BundleState>(server, {
      good: (bundle) => ({ state: 'good', fingerprint: bundleFingerprint(bundle) }),
      refused: () => ({ state: 'refused', fingerprint: undefined }),
    })
  }

  /** Newest first, the last 1000 changes. */
  async function audit(server?: string): Promise<AuditEntry[]> {
    const entries = ((await store.get(auditCollection, 'log')) ?? []) as AuditEntry[]
    return entries.filter((entry) => server === undefined || entry.server === server)
  }

  async function note({ by, from }: BundleChange, rest: Omit<AuditEntry, 'by' | 'from' | 'at'>) {
    const entries = [{ by, from, at: now(), ...rest }, ...(await audit())]
    await store.set(auditCollection, 'log', entries.slice(0, auditLength))
  }

  /** How the audit calls what is kept, whether it can be believed or not. */
  async function fingerprintNow(server: string): Promise<string | undefined> {
    const found = await state(server)
    return found && (found.fingerprint ?? found.state)
  }

  async function save(
    action: AuditEntry['action'],
    next: Omit<KeptBundle, 'changed'>,
    change: BundleChange,
  ): Promise<boolean> {
    const { server, ca, clientCertificate } = next
    const before = await fingerprintNow(server)
    const isEmpty = ca.length === 0 && clientCertificate === undefined
    const after = isEmpty ? undefined : bundleFingerprint(next)
    if (before === after) return false
    if (isEmpty) await signed.remove(server)
    else await signed.save({ ...next, changed: { by: change.by, from: change.from, at: now() } })
    await note(change, { server, action, before, after })
    return true
  }

  async function change(server: string, upload: BundleUpload, by: BundleChange) {
    const { mode, files, clientCertificate } = upload
    const kept =
      mode === 'add'
        ? await signed.load(server)
        : (await load(server).catch(undefinedIfRefused))?.bundle
    const stays = mode === 'add' || files.length === 0 ? (kept?.ca ?? []) : []
    const known = stays.map((pem) => new X509Certificate(pem))
    const judged = judgeFiles(files, { known, now: now() })
    const client = clientCertificate && judgeClientCertificate(clientCertificate, now())
    const verdicts = [...judged.files, ...(client?.files ?? [])]
    if (verdicts.length === 0) throw new UserError('USAGE', 'No certificate file was given.')
    const accepted = judged.accepted && (!client || client.pair !== undefined)
    if (!accepted) {
      const before = await fingerprintNow(server)
      const reason = reasonOf(verdicts)
      await note(by, { server, action: 'refuse', before, after: before, reason })
      return { accepted, stored: false, files: verdicts }
    }
    const presented = client?.pair
      ? {
          clientCertificate: client.pair.cert,
          clientKey: seal(await sealingKey(), keyPlace(server), client.pair.key),
        }
      : { clientCertificate: kept?.clientCertificate, clientKey: kept?.clientKey }
    const ca = orderChain([...known, ...judged.fresh]).certificates.map(String)
    const action = files.length > 0 ? mode : 'set-client-certificate'
    const stored = await save(action, { server, ca, ...presented }, by)
    return { accepted, stored, files: verdicts }
  }

  return {
    /** What connections to a server need. @throws UserError CA_BUNDLE_REFUSED */
    read: async (server: string): Promise<UpstreamTls | undefined> => (await load(server))?.tls,
    state,
    describe,
    audit,
    /** Sorted by name. */
    async list(): Promise<BundleDescription[]> {
      const found = await Promise.all((await signed.servers()).map(describe))
      return found.filter((description) => description !== undefined)
    },
    /**
     * Stores everything of the upload, or nothing. `replace` is also the way out of a refused bundle,
     * with which its client certificate goes.
     * @throws UserError CA_BUNDLE_REFUSED when what is refused would be added to, USAGE when the
     * upload is empty
     */
    put: (server: string, upload: BundleUpload, by: BundleChange): Promise<BundleOutcome> =>
      inOrder(async () => ({
        ...(await change(server, upload, by)),
        bundle: await describe(server),
      })),
    /** Resolves with false when there was none. */
    removeClientCertificate: (server: string, by: BundleChange): Promise<boolean> =>
      inOrder(async () => {
        const kept = await signed.load(server)
        if (kept?.clientCertificate === undefined) return false
        return save('remove-client-certificate', { server, ca: kept.ca }, by)
      }),
    /** Removes everything of the server, also what is refused. False when there was nothing. */
    remove: (server: string, by: BundleChange): Promise<boolean> =>
      inOrder(() => save('remove', { server, ca: [] }, by)),
    /** Signs everything that verifies with a new key, and forgets the one before. */
    rotateKeys: (by: BundleChange) =>
      inOrder(async () => {
        const done = await signed.signAgain()
        await note(by, { server: '', action: 'rotate-keys', before: undefined, after: undefined })
        return done
      }),
  }
}

async function tlsOf(
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

function keyPlace(server: string): string[] {
  return ['upstream-client-keys', server]
}

function reasonOf(verdicts: readonly FileVerdict[]): string {
  const refused = verdicts.find(({ accepted }) => !accepted)
  return refused === undefined ? '' : `${JSON.stringify(refused.file)}: ${refused.message}`
}
