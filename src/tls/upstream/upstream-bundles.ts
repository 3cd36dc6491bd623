import { X509Certificate } from 'node:crypto'
import { UserError } from '../../errors.ts'
import type { UpstreamTls } from '../../lib/upstream-connections.ts'
import type { SealingKey } from '../../store/sealed-store.ts'
import type { Documents, Store } from '../../store/store.ts'
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
  type BundleSigner,
  createBundleSigner,
  type KeptBundle,
  keptBundles,
  keptCollection,
  sealClientKey,
  tlsOf,
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

/** Whether what is stored verifies, and what it is: two of a kind hold the same. */
export type BundleState = Pick<BundleDescription, 'state' | 'fingerprint'>

export type UpstreamBundles = ReturnType<typeof createUpstreamBundles>

interface BundleOptions {
  readonly store: Store
  /** Where the key is that signs them. */
  readonly keyFile: string
  /** Asked for when there is a client certificate, not before. */
  readonly sealingKey: () => Promise<SealingKey>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * The authorities and client certificates of upstreams, by the server's name. Each is signed when it
 * is written, and every read verifies that. A change is made as a whole, whichever process makes
 * another at the same time.
 */
export function createUpstreamBundles(options: BundleOptions) {
  const { store } = options
  const signer = createBundleSigner(options.keyFile)
  const bundles = bundlesIn(store, { ...options, signer })
  const change = <T>(task: (bundles: ReturnType<typeof bundlesIn>) => Promise<T>): Promise<T> =>
    store.transaction((documents) => task(bundlesIn(documents, { ...options, signer })))
  const servers = async () => (await store.list(keptCollection)).map(({ key }) => key)

  return {
    /** What connections to a server need. @throws UserError CA_BUNDLE_REFUSED */
    read: async (server: string): Promise<UpstreamTls | undefined> =>
      (await bundles.load(server))?.tls,
    state: bundles.state,
    describe: bundles.describe,
    audit: bundles.audit,
    /** Sorted by name. */
    async list(): Promise<BundleDescription[]> {
      const found = await Promise.all((await servers()).map(bundles.describe))
      return found.filter((description) => description !== undefined)
    },
    /**
     * Stores everything of the upload, or nothing. `replace` is also the way out of a refused bundle,
     * with which its client certificate goes.
     * @throws UserError CA_BUNDLE_REFUSED when what is refused would be added to, USAGE when the
     * upload is empty
     */
    async put(server: string, upload: BundleUpload, by: BundleChange): Promise<BundleOutcome> {
      const outcome = await change(({ put }) => put(server, upload, by))
      return { ...outcome, bundle: await bundles.describe(server) }
    },
    /** Resolves with false when there was none. */
    removeClientCertificate: (server: string, by: BundleChange): Promise<boolean> =>
      change(async ({ kept, save }) => {
        const bundle = await kept.load(server)
        if (bundle?.clientCertificate === undefined) return false
        return save('remove-client-certificate', { server, ca: bundle.ca }, by)
      }),
    /** Removes everything of the server, also what is refused. False when there was nothing. */
    remove: (server: string, by: BundleChange): Promise<boolean> =>
      change(({ save }) => save('remove', { server, ca: [] }, by)),
    /** Signs everything that verifies with a new key, and forgets the one before. */
    async rotateKeys(by: BundleChange): Promise<{ keyId: string; resigned: string[] }> {
      const done = await signer.replaceKey(async () => {
        const signed: string[] = []
        for (const server of await servers()) {
          if (await change(({ signAgain }) => signAgain(server))) signed.push(server)
        }
        return signed
      })
      const nothing = { before: undefined, after: undefined }
      await change(({ note }) => note(by, { server: '', action: 'rotate-keys', ...nothing }))
      return done
    },
  }
}

const auditCollection = 'upstream-ca-audit'
const auditLength = 1000

/** The bundles as they are in the store, or as one change of it sees them. */
function bundlesIn(
  documents: Documents,
  { signer, sealingKey, now }: BundleOptions & { signer: BundleSigner },
) {
  const kept = keptBundles(documents, signer)

  /** What is kept, and what of it connections need. @throws UserError CA_BUNDLE_REFUSED */
  async function load(server: string) {
    const bundle = await kept.load(server)
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
    const entries = ((await documents.get(auditCollection, 'log')) ?? []) as AuditEntry[]
    return entries.filter((entry) => server === undefined || entry.server === server)
  }

  async function note({ by, from }: BundleChange, rest: Omit<AuditEntry, 'by' | 'from' | 'at'>) {
    const entries = [{ by, from, at: now(), ...rest }, ...(await audit())]
    await documents.set(auditCollection, 'log', entries.slice(0, auditLength))
  }

  /** How the audit calls what is kept, whether it can be believed or not. */
  async function fingerprintNow(server: string): Promise<string | undefined> {
    const found = await state(server)
    return found && (found.fingerprint ?? found.state)
  }

  async function save(
    action: AuditEntry['action'],
    next: Omit<KeptBundle, 'changed'>,
    { by, from }: BundleChange,
  ): Promise<boolean> {
    const { server, ca, clientCertificate } = next
    const before = await fingerprintNow(server)
    const isEmpty = ca.length === 0 && clientCertificate === undefined
    const after = isEmpty ? undefined : bundleFingerprint(next)
    if (before === after) return false
    await kept.write(server, isEmpty ? undefined : { ...next, changed: { by, from, at: now() } })
    await note({ by, from }, { server, action, before, after })
    return true
  }

  /** False for what is refused, which stays so. */
  async function signAgain(server: string): Promise<boolean> {
    const bundle = await kept.load(server).catch(undefinedIfRefused)
    if (bundle) await kept.write(server, bundle)
    return bundle !== undefined
  }

  async function put(server: string, upload: BundleUpload, by: BundleChange) {
    const { mode, files, clientCertificate } = upload
    const before =
      mode === 'add'
        ? await kept.load(server)
        : (await load(server).catch(undefinedIfRefused))?.bundle
    const stays = mode === 'add' || files.length === 0 ? (before?.ca ?? []) : []
    const known = stays.map((pem) => new X509Certificate(pem))
    const judged = judgeFiles(files, { known, now: now() })
    const client = clientCertificate && judgeClientCertificate(clientCertificate, now())
    const verdicts = [...judged.files, ...(client?.files ?? [])]
    if (verdicts.length === 0) throw new UserError('USAGE', 'No certificate file was given.')
    const accepted = judged.accepted && (!client || client.pair !== undefined)
    if (!accepted) {
      const fingerprint = await fingerprintNow(server)
      const reason = reasonOf(verdicts)
      const unchanged = { before: fingerprint, after: fingerprint }
      await note(by, { server, action: 'refuse', ...unchanged, reason })
      return { accepted, stored: false, files: verdicts }
    }
    const presented = client?.pair
      ? {
          clientCertificate: client.pair.cert,
          clientKey: sealClientKey(server, client.pair.key, await sealingKey()),
        }
      : { clientCertificate: before?.clientCertificate, clientKey: before?.clientKey }
    const ca = orderChain([...known, ...judged.fresh]).certificates.map(String)
    const action = files.length > 0 ? mode : 'set-client-certificate'
    const stored = await save(action, { server, ca, ...presented }, by)
    return { accepted, stored, files: verdicts }
  }

  return { load, kept, describe, state, audit, note, save, signAgain, put }
}

function reasonOf(verdicts: readonly FileVerdict[]): string {
  const refused = verdicts.find(({ accepted }) => !accepted)
  return refused === undefined ? '' : `${JSON.stringify(refused.file)}: ${refused.message}`
}
