import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../../errors.ts'
import { updateHomeFile } from '../trust-files.ts'
import {
  type Change,
  type StoreReport,
  statusOf,
  storeKinds,
  type TrustedAuthority,
  type TrustStore,
} from './trust-store.ts'

interface InstallOptions {
  readonly authority: TrustedAuthority
  readonly record: InstalledRecord
  readonly change: Change
}

/**
 * Makes every store trust the authority that does not yet. Each is looked into again afterwards; what
 * the commands returned decides nothing.
 */
export async function installAuthority(
  stores: readonly TrustStore[],
  options: InstallOptions,
): Promise<StoreReport[]> {
  const reports: StoreReport[] = []
  for (const store of stores) {
    const report = await inspect(store, options.authority)
    const canChange = report.status.state === 'not-trusted' || report.status.state === 'stale'
    reports.push(canChange ? await install(store, options) : report)
  }
  return reports
}

/** What each store says of the authority now. */
export async function inspectStores(
  stores: readonly TrustStore[],
  { authority }: Pick<InstallOptions, 'authority'>,
): Promise<StoreReport[]> {
  const reports: StoreReport[] = []
  for (const store of stores) reports.push(await inspect(store, authority))
  return reports
}

async function inspect(store: TrustStore, { certificate }: TrustedAuthority): Promise<StoreReport> {
  const { kind, place } = store
  return { kind, place, status: statusOf(await store.check(), certificate), changed: false }
}

async function install(
  store: TrustStore,
  { authority, record, change }: InstallOptions,
): Promise<StoreReport> {
  const outcome = await change(store.install(authority))
  const report = await inspect(store, authority)
  if (report.status.state === 'trusted') {
    const { kind, place } = store
    await record.add({ fingerprint256: authority.certificate.fingerprint256, kind, place })
    return { ...report, changed: true }
  }
  const problem = outcome.ok
    ? 'The commands said nothing is wrong, but the certificate is not there.'
    : outcome.problem
  return { ...report, problem }
}

export interface RemovalReport extends InstalledEntry {
  readonly removed: boolean
  readonly problem?: string
}

/**
 * Takes out of the stores what the record says we put there, of earlier authorities too, and nothing
 * else. An entry leaves the record when its store has been looked into and does not hold it.
 */
export async function removeInstalled(
  stores: readonly TrustStore[],
  { record, change }: { record: InstalledRecord; change: Change },
): Promise<RemovalReport[]> {
  const entries = await record.list()
  const reports: RemovalReport[] = []
  for (const store of stores) {
    const ours = entries.filter(({ kind, place }) => kind === store.kind && place === store.place)
    if (ours.length === 0) continue
    const problem = await takeOut(store, { entries: ours, change })
    const left = await store.check()
    const isLeft = ({ fingerprint256 }: InstalledEntry) =>
      !left.present ||
      left.certificates.some(({ certificate }) => certificate.fingerprint256 === fingerprint256)
    for (const entry of ours) {
      const removed = !isLeft(entry)
      if (removed) await record.remove(entry)
      reports.push({ ...entry, removed, ...(!removed && { problem: problem ?? stillThere }) })
    }
  }
  return reports
}

const stillThere = 'The commands said nothing is wrong, but the certificate is still there.'

async function takeOut(
  store: TrustStore,
  { entries, change }: { entries: readonly InstalledEntry[]; change: Change },
): Promise<string | undefined> {
  const content = await store.check()
  if (!content.present) return content.reason
  const fingerprints = entries.map(({ fingerprint256 }) => fingerprint256)
  const found = content.certificates.filter(
    ({ certificate, handle }) => handle !== '' && fingerprints.includes(certificate.fingerprint256),
  )
  if (found.length === 0) return undefined
  const outcome = await change(store.remove(found))
  return outcome.ok ? undefined : outcome.problem
}

const entrySchema = z.object({
  fingerprint256: z.string(),
  kind: z.enum(storeKinds),
  place: z.string(),
})

/** An authority that we put into a store where it had not been. */
export type InstalledEntry = z.output<typeof entrySchema>

export type InstalledRecord = ReturnType<typeof createInstalledRecord>

/**
 * What `trust` has installed, of earlier authorities too; a file beside the authority.
 * @throws UserError CA_UNUSABLE when the file is not ours, CERTIFICATE_UNWRITABLE
 */
export function createInstalledRecord(folder: string) {
  const file = join(folder, 'installed.json')
  const write = (entries: readonly InstalledEntry[]) =>
    updateHomeFile(file, `${JSON.stringify(entries, null, 2)}\n`, { mode: 0o600 })
  const list = async () => parse(file, await readFile(file, 'utf8').catch(() => '[]'))
  const others = async (one: InstalledEntry) =>
    (await list()).filter((known) => keyOf(known) !== keyOf(one))
  return {
    list,
    add: async (one: InstalledEntry) => write([...(await others(one)), one]),
    remove: async (one: InstalledEntry) => write(await others(one)),
  }
}

function keyOf({ fingerprint256, kind, place }: InstalledEntry): string {
  return JSON.stringify([fingerprint256, kind, place])
}

function parse(file: string, text: string): readonly InstalledEntry[] {
  try {
    return z.array(entrySchema).parse(JSON.parse(text))
  } catch (cause) {
    throw new UserError('CA_UNUSABLE', `The list of what was installed, ${file}, is damaged.`, {
      hint: 'Delete it; what it listed has to be removed by hand then.',
      cause,
    })
  }
}
