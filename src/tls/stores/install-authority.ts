import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../../errors.ts'
import { updateHomeFile } from '../trust-files.ts'
import {
  type Change,
  type ChangeOutcome,
  type StoreReport,
  type StoreStatus,
  sameMaker,
  statusOf,
  storeKinds,
  type TrustedAuthority,
  type TrustStore,
} from './trust-store.ts'

export interface InstallOptions {
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
    const status = await look(store, options)
    if (canChange(status)) {
      const outcome = await options.change(store.install(options.authority))
      reports.push(await lookAgain(store, outcome, options))
    } else reports.push({ ...placeOf(store), status, changed: false })
  }
  return reports
}

/** What each store says of the authority now. */
export async function inspectStores(
  stores: readonly TrustStore[],
  options: Pick<InstallOptions, 'authority'>,
): Promise<StoreReport[]> {
  const reports: StoreReport[] = []
  for (const store of stores) {
    reports.push({ ...placeOf(store), status: await look(store, options), changed: false })
  }
  return reports
}

async function lookAgain(
  store: TrustStore,
  outcome: ChangeOutcome,
  { authority, record }: InstallOptions,
): Promise<StoreReport> {
  const status = await look(store, { authority })
  const changed = status.state === 'trusted'
  if (changed) {
    const { fingerprint256 } = authority.certificate
    await record.add({ fingerprint256, ...placeOf(store) })
    return { ...placeOf(store), status, changed }
  }
  const problem = outcome.ok
    ? 'The commands said nothing is wrong, but the certificate is not there.'
    : outcome.problem
  return { ...placeOf(store), status, changed, problem }
}

async function look(
  store: TrustStore,
  { authority }: Pick<InstallOptions, 'authority'>,
): Promise<StoreStatus> {
  const content = await store.check(sameMaker(authority.certificate))
  return statusOf(content, authority.certificate)
}

function canChange({ state }: StoreStatus): boolean {
  return state === 'not-trusted' || state === 'stale'
}

function placeOf({ kind, place }: TrustStore): Pick<TrustStore, 'kind' | 'place'> {
  return { kind, place }
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
    const left = await fingerprintsIn(store, ours)
    for (const entry of ours) {
      const removed = left !== undefined && !left.has(entry.fingerprint256)
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
  const content = await store.check(concerns(entries))
  if (!content.present) return content.reason
  const found = content.certificates.filter(({ handle }) => handle !== '')
  if (found.length === 0) return undefined
  const outcome = await change(store.remove(found))
  return outcome.ok ? undefined : outcome.problem
}

async function fingerprintsIn(store: TrustStore, entries: readonly InstalledEntry[]) {
  const content = await store.check(concerns(entries))
  return content.present
    ? new Set(content.certificates.map(({ fingerprint256 }) => fingerprint256))
    : undefined
}

function concerns(entries: readonly InstalledEntry[]) {
  const fingerprints = new Set(entries.map(({ fingerprint256 }) => fingerprint256))
  return ({ fingerprint256 }: { fingerprint256: string }) => fingerprints.has(fingerprint256)
}

const entry = z.object({
  fingerprint256: z.string(),
  kind: z.enum(storeKinds),
  place: z.string(),
})

/** An authority that we put into a store where it had not been. */
export type InstalledEntry = z.output<typeof entry>

/** What `trust` has installed, of earlier authorities too; a file beside the authority. */
export interface InstalledRecord {
  list(): Promise<readonly InstalledEntry[]>
  add(entry: InstalledEntry): Promise<void>
  remove(entry: InstalledEntry): Promise<void>
}

/** @throws UserError CA_UNUSABLE when the file is not ours, CERTIFICATE_UNWRITABLE */
export function createInstalledRecord(folder: string): InstalledRecord {
  const file = join(folder, 'installed.json')
  const write = (entries: readonly InstalledEntry[]) =>
    updateHomeFile(file, `${JSON.stringify(entries, null, 2)}\n`, { mode: 0o600 })
  const list = async () => parse(file, await readFile(file, 'utf8').catch(() => '[]'))
  const others = async (one: InstalledEntry) =>
    (await list()).filter((known) => keyOf(known) !== keyOf(one))
  return {
    list,
    add: async (one) => write([...(await others(one)), one]),
    remove: async (one) => write(await others(one)),
  }
}

function keyOf({ fingerprint256, kind, place }: InstalledEntry): string {
  return JSON.stringify([fingerprint256, kind, place])
}

function parse(file: string, text: string): readonly InstalledEntry[] {
  try {
    return z.array(entry).parse(JSON.parse(text))
  } catch (cause) {
    throw new UserError('CA_UNUSABLE', `The list of what was installed, ${file}, is damaged.`, {
      hint: 'Delete it; what it listed has to be removed by hand then.',
      cause,
    })
  }
}
