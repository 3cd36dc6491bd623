import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../../errors.ts'
import { updateHomeFile } from '../home-files.ts'
import { storeKinds } from './trust-store.ts'

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
