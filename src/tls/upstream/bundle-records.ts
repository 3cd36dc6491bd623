import type { Store } from '../../store/store.ts'
import type { BundleSigningKeys } from './bundle-signing-keys.ts'
import { signDocument, type Verified, verifyDocument } from './signed-document.ts'
import type { BundleChange } from './upstream-bundles.ts'

/** What is kept for one server. The key of the client certificate is kept elsewhere, sealed. */
export interface BundleRecord {
  readonly server: string
  /** Counts every change of any bundle, so that an earlier record is told from the current one. */
  readonly sequence: number
  /** PEM, one certificate each, roots first. */
  readonly ca: readonly string[]
  /** PEM, leaf first. */
  readonly clientCertificate?: string
  readonly changed: BundleChange & { readonly at: number }
}

export interface BundleRecords {
  /** Undefined when nothing is kept; not `ok` when what is, or should be, cannot be believed. */
  load(server: string): Promise<Verified<BundleRecord> | undefined>
  /** Names of everything that is, or should be, there, sorted. */
  servers(): Promise<string[]>
  save(record: Omit<BundleRecord, 'sequence'>): Promise<void>
  /** Resolves with false when there was nothing. */
  remove(server: string): Promise<boolean>
  /** Signs again what verifies, and resolves with the servers whose records did. */
  signAgain(): Promise<string[]>
}

interface Manifest {
  readonly sequence: number
  /** Servers and the sequence of their current records. */
  readonly servers: readonly (readonly [string, number])[]
}

const records = 'upstream-ca'
const manifests = 'upstream-ca-manifest'
const manifestPlace = JSON.stringify(['manifest'])

/**
 * Signed records in `store`. A signed manifest says which there must be: without it, taking a record
 * away, or putting an earlier one back, would go unnoticed. A change writes the record first and the
 * manifest behind it, so a crash between them refuses a connection and never trusts too much.
 */
export function createBundleRecords(options: {
  store: Store
  keys: BundleSigningKeys
}): BundleRecords {
  const { store, keys } = options

  /** Null for what is there and cannot be read, which no signature fits. */
  async function readStored(collection: string, key: string): Promise<unknown> {
    try {
      return await store.get(collection, key)
    } catch {
      // Text that is no JSON any more, or a damaged file: refused by whoever verifies it.
      return null
    }
  }

  async function readManifest(): Promise<{ reason: string | undefined; manifest: Manifest }> {
    const stored = await readStored(manifests, 'current')
    if (stored === undefined) return { reason: undefined, manifest: { sequence: 0, servers: [] } }
    const verified = verifyDocument<Manifest>(await keys.verifying(), manifestPlace, stored)
    return verified.ok
      ? { reason: undefined, manifest: verified.content }
      : { reason: verified.reason, manifest: unverifiedManifest(stored) }
  }

  async function writeManifest(manifest: Manifest): Promise<void> {
    await store.set(
      manifests,
      'current',
      signDocument(await keys.signing(), manifestPlace, manifest),
    )
  }

  async function writeRecord(record: BundleRecord): Promise<void> {
    const place = recordPlace(record.server)
    await store.set(records, record.server, signDocument(await keys.signing(), place, record))
  }

  async function load(server: string): Promise<Verified<BundleRecord> | undefined> {
    const { reason, manifest } = await readManifest()
    if (reason)
      return { ok: false, reason: `the list of all bundles cannot be believed: ${reason}` }
    const expected = manifest.servers.find(([name]) => name === server)?.[1]
    const stored = await readStored(records, server)
    if (stored === undefined) {
      return expected === undefined
        ? undefined
        : { ok: false, reason: 'it was taken out of the state file' }
    }
    const place = recordPlace(server)
    const verified = verifyDocument<BundleRecord>(await keys.verifying(), place, stored)
    if (!verified.ok) return verified
    if (expected === undefined) return { ok: false, reason: 'the list of all bundles lacks it' }
    return verified.content.sequence < expected
      ? { ok: false, reason: 'an earlier one was put in its place' }
      : verified
  }

  async function servers(): Promise<string[]> {
    const { manifest } = await readManifest()
    return manifest.servers.map(([name]) => name).toSorted()
  }

  return {
    load,
    servers,
    async save(record) {
      const { manifest } = await readManifest()
      const sequence = manifest.sequence + 1
      await writeRecord({ ...record, sequence })
      const others = manifest.servers.filter(([name]) => name !== record.server)
      await writeManifest({ sequence, servers: [...others, [record.server, sequence]] })
    },
    async remove(server) {
      const { reason, manifest } = await readManifest()
      const others = manifest.servers.filter(([name]) => name !== server)
      const wasListed = others.length < manifest.servers.length
      const wasKept = (await readStored(records, server)) !== undefined
      if (wasListed || reason) {
        await writeManifest({ sequence: manifest.sequence + 1, servers: others })
      }
      await store.delete(records, server)
      return wasListed || wasKept
    },
    async signAgain() {
      const { reason, manifest } = await readManifest()
      if (reason) return []
      const signed: string[] = []
      for (const name of await servers()) {
        const verified = await load(name)
        if (!verified?.ok) continue
        await writeRecord(verified.content)
        signed.push(name)
      }
      await writeManifest(manifest)
      return signed
    },
  }
}

function recordPlace(server: string): string {
  return JSON.stringify(['bundle', server])
}

/**
 * What a manifest that does not verify says. It is believed only so far as to refuse the servers it
 * names, until each of them is put in place again.
 */
function unverifiedManifest(stored: unknown): Manifest {
  try {
    const { content } = JSON.parse((stored as { payload: string }).payload) as { content: Manifest }
    const isEntry = ([name, sequence]: readonly unknown[]) =>
      typeof name === 'string' && Number.isSafeInteger(sequence)
    if (Number.isSafeInteger(content.sequence) && content.servers.every(isEntry)) return content
  } catch {
    // Damaged beyond reading: the records it named are refused, because no list has them.
  }
  return { sequence: 0, servers: [] }
}
