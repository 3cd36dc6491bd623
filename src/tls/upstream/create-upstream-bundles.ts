import { createPrivateKey, X509Certificate } from 'node:crypto'
import { UserError } from '../../errors.ts'
import type { UpstreamTls } from '../../lib/upstream-connections.ts'
import type { Store } from '../../store/store.ts'
import { createBundleAudit } from './bundle-audit.ts'
import { type BundleRecord, createBundleRecords } from './bundle-records.ts'
import { bundleRefused } from './bundle-refused.ts'
import type { BundleSigningKeys } from './bundle-signing-keys.ts'
import { createClientKeyStore } from './client-key-store.ts'
import { bundleFingerprint, describeBundle, describeRefused } from './describe-bundle.ts'
import type { FileVerdict } from './file-verdict.ts'
import { judgeClientCertificate } from './judge-client-certificate.ts'
import { judgeFiles } from './judge-files.ts'
import { orderChain } from './order-chain.ts'
import type {
  AuditEntry,
  BundleChange,
  BundleDescription,
  BundleOutcome,
  BundleState,
  BundleUpload,
  UpstreamBundles,
} from './upstream-bundles.ts'

export interface UpstreamBundlesOptions {
  readonly store: Store
  /** Opened when there is a client certificate, not before. */
  readonly sealedStore: () => Promise<Store>
  readonly keys: BundleSigningKeys
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What stands where a bundle's fingerprint would, in the audit, when it did not verify. */
const refusedFingerprint = 'refused'

/** Keeps the bundles of upstreams. Changes of one process happen one after the other. */
export function createUpstreamBundles(options: UpstreamBundlesOptions): UpstreamBundles {
  const { store, keys, now } = options
  const records = createBundleRecords({ store, keys })
  const clientKeys = createClientKeyStore(options)
  const audit = createBundleAudit(store)
  let changes: Promise<unknown> = Promise.resolve()

  function inOrder<T>(task: () => Promise<T>): Promise<T> {
    const done = changes.then(task)
    // The caller hears of a failure; the next change starts afresh.
    changes = done.catch(() => {})
    return done
  }

  /** @throws UserError CA_BUNDLE_REFUSED */
  async function load(server: string): Promise<BundleRecord | undefined> {
    const loaded = await records.load(server)
    if (!loaded) return undefined
    if (!loaded.ok) throw bundleRefused(server, loaded.reason)
    return loaded.content
  }

  async function read(server: string): Promise<UpstreamTls | undefined> {
    const record = await load(server)
    if (!record) return undefined
    const cert = record.clientCertificate
    if (cert === undefined) return { ca: record.ca }
    const key = await clientKeys.get(server, cert)
    if (key === undefined) {
      throw bundleRefused(server, 'the key of its client certificate was taken out')
    }
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw bundleRefused(server, 'its client certificate and its key do not belong together')
    }
    return { ca: record.ca, clientCertificate: { cert, key } }
  }

  async function judge<T>(
    server: string,
    say: { good: (record: BundleRecord) => T; refused: (error: UserError) => T },
  ): Promise<T | undefined> {
    try {
      const record = await load(server)
      if (!record) return undefined
      // Also finds a key that is missing, or that cannot be unsealed.
      await read(server)
      return say.good(record)
    } catch (error) {
      if (error instanceof UserError) return say.refused(error)
      throw error
    }
  }

  function describe(server: string): Promise<BundleDescription | undefined> {
    return judge<BundleDescription>(server, {
      good: (record) => describeBundle(record, now()),
      refused: (error) => describeRefused(server, error),
    })
  }

  function state(server: string): Promise<BundleState | undefined> {
    return judge<BundleState>(server, {
      good: (record) => ({ state: 'good', fingerprint: bundleFingerprint(record) }),
      refused: () => ({ state: 'refused', fingerprint: undefined }),
    })
  }

  /** What there is, as far as it can be believed, and how the audit calls it. */
  async function before(server: string) {
    const loaded = await records.load(server)
    const record = loaded?.ok ? loaded.content : undefined
    const fingerprint = record ? bundleFingerprint(record) : loaded && refusedFingerprint
    return { record, fingerprint }
  }

  async function save(
    action: AuditEntry['action'],
    next: Pick<BundleRecord, 'server' | 'ca' | 'clientCertificate'>,
    change: BundleChange,
  ): Promise<boolean> {
    const { server } = next
    const previous = await before(server)
    const after = isEmpty(next) ? undefined : bundleFingerprint(next)
    if (previous.fingerprint === after) return false
    const changed = { by: change.by, from: change.from, at: now() }
    if (after === undefined) await records.remove(server)
    else await records.save({ ...next, changed })
    await audit.note({ ...changed, server, action, before: previous.fingerprint, after })
    // Behind the record, so that a change that fails leaves the earlier pair whole.
    const isSame = previous.record?.clientCertificate === next.clientCertificate
    if (!isSame || previous.fingerprint === refusedFingerprint) {
      await clientKeys.keepOnly(server, next.clientCertificate)
    }
    return true
  }

  async function change(
    server: string,
    { mode, files, clientCertificate }: BundleUpload,
    by: BundleChange,
  ): Promise<BundleOutcome> {
    const record = mode === 'replace' ? (await before(server)).record : await load(server)
    const previous = (record?.ca ?? []).map((pem) => new X509Certificate(pem))
    const known = mode === 'replace' && files.length > 0 ? [] : previous
    const judged = judgeFiles(files, { known, now: now() })
    const client = clientCertificate && judgeClientCertificate(clientCertificate, now())
    const verdicts = [...judged.files, ...(client?.files ?? [])]
    if (verdicts.length === 0) throw new UserError('USAGE', 'No certificate file was given.')
    const accepted = judged.accepted && (!client || client.pair !== undefined)
    if (!accepted) {
      const { fingerprint } = await before(server)
      const reason = reasonOf(verdicts)
      const unchanged = { before: fingerprint, after: fingerprint, reason }
      await audit.note({ ...by, at: now(), server, action: 'refuse', ...unchanged })
      return { accepted, stored: false, files: verdicts, bundle: await describe(server) }
    }
    if (client?.pair) await clientKeys.put(server, client.pair)
    const cert = client?.pair?.cert ?? record?.clientCertificate
    const stored = await save(
      files.length > 0 ? mode : 'set-client-certificate',
      {
        server,
        ca: toPem([...known, ...judged.fresh]),
        ...(cert !== undefined && { clientCertificate: cert }),
      },
      by,
    )
    return { accepted, stored, files: verdicts, bundle: await describe(server) }
  }

  function put(server: string, upload: BundleUpload, by: BundleChange): Promise<BundleOutcome> {
    return inOrder(() => change(server, upload, by))
  }

  return {
    read,
    state,
    describe,
    async list() {
      const found = await Promise.all((await records.servers()).map(describe))
      return found.filter((description) => description !== undefined)
    },
    put,
    replace: (server, files, change) => put(server, { mode: 'replace', files }, change),
    add: (server, files, change) => put(server, { mode: 'add', files }, change),
    setClientCertificate: (server, clientCertificate, change) =>
      put(server, { mode: 'add', files: [], clientCertificate }, change),
    removeClientCertificate: (server, change) =>
      inOrder(async () => {
        const record = await load(server)
        if (record?.clientCertificate === undefined) return false
        return save('remove-client-certificate', { server, ca: record.ca }, change)
      }),
    remove: (server, change) => inOrder(() => save('remove', { server, ca: [] }, change)),
    async audit(server) {
      const entries = await audit.entries()
      return entries.filter((entry) => server === undefined || entry.server === server)
    },
    rotateKeys: (change) =>
      inOrder(async () => {
        const { id: keyId } = await keys.rotate()
        const resigned = await records.signAgain()
        const { by, from } = change
        const nothing = { before: undefined, after: undefined }
        await audit.note({ by, from, at: now(), server: '', action: 'rotate-keys', ...nothing })
        return { keyId, resigned }
      }),
  }
}

function reasonOf(verdicts: readonly FileVerdict[]): string {
  const refused = verdicts.find(({ accepted }) => !accepted)
  return refused === undefined ? '' : `${JSON.stringify(refused.file)}: ${refused.message}`
}

function isEmpty({ ca, clientCertificate }: Pick<BundleRecord, 'ca' | 'clientCertificate'>) {
  return ca.length === 0 && clientCertificate === undefined
}

function toPem(certificates: readonly X509Certificate[]): string[] {
  return orderChain(certificates).certificates.map(String)
}
