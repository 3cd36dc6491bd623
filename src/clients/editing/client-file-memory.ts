import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { writeFileAtomic } from '../../lib/atomic-file.ts'
import type { ConfigValue } from './config-format.ts'

const valueSchema = z.custom<ConfigValue>((value) => value !== undefined)

const memorySchema = z.object({
  files: z.array(
    z.object({
      /** Absolute, links resolved. */
      path: z.string(),
      format: z.enum(['json', 'toml', 'yaml']),
      client: z.string(),
      /** The name of the entry. */
      name: z.string(),
      /** The file did not exist before us. */
      created: z.boolean(),
      /** See `EntryMemory`. */
      entries: z.array(
        z.object({
          path: z.array(z.union([z.string(), z.object({ id: z.string() })])),
          versions: z.array(
            z.object({
              value: valueSchema,
              chunk: z.object({ removed: z.string(), inserted: z.string() }).optional(),
            }),
          ),
          replaced: valueSchema.optional(),
        }),
      ),
    }),
  ),
})

/** What we have written into one client's file under one name. */
export type ClientFileMemory = z.output<typeof memorySchema>['files'][number]

/** Where a project remembers what it wrote into clients' files. */
export function clientFileMemoryPath(home: string): string {
  return join(home, 'clients.json')
}

/** Reads what is remembered; nothing when there is no file, or none that can be understood. */
export async function readClientFileMemory(file: string): Promise<readonly ClientFileMemory[]> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(file, 'utf8'))).files
  } catch {
    // Without memory entries of ours look like somebody else's, and are left alone.
    return []
  }
}

export async function writeClientFileMemory(
  file: string,
  files: readonly ClientFileMemory[],
): Promise<void> {
  if (files.length === 0) await rm(file, { force: true })
  else await writeFileAtomic(file, `${JSON.stringify({ files }, null, 2)}\n`, { mode: 0o600 })
}
