import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../../errors.ts'
import { writeFileAtomic } from '../../lib/atomic-file.ts'
import type { ConfigFormat, ConfigValue } from './config-format.ts'
import { configFormats } from './config-formats.ts'
import { deleteDiskFile, readDiskFile, writeDiskFile } from './disk-file.ts'
import { type EntryMemory, isBare, type PlacedEntry, putEntry, takeEntry } from './edit-entry.ts'

/** One entry of ours in one client's file. */
export interface ClientFileEntry {
  /** Absolute. */
  readonly path: string
  readonly format: ConfigFormat['name']
  /** The client's id, and the name of the entry. */
  readonly client: string
  readonly name: string
  /** Everything that belongs to the entry, in the order in which it is put in. */
  readonly places: readonly PlacedEntry[]
}

export interface WrittenFile {
  /** Absolute, links resolved. */
  readonly path: string
  readonly client: string
  readonly name: string
  readonly outcome: 'created' | 'changed' | 'unchanged'
}

export interface UndoneFile {
  readonly path: string
  readonly client: string
  readonly name: string
  /**
   * `restored`: as before us, byte for byte where nobody else wrote. `removed`: our entry is out.
   * `deleted`: the file was ours alone. `edited`: somebody changed our entry, so it stays.
   */
  readonly outcome: 'restored' | 'removed' | 'deleted' | 'gone' | 'edited'
}

/** Entries of ours in the files of MCP clients, and the memory of them. */
export interface ClientFiles {
  /**
   * Puts an entry into its file, and changes nothing else there; writes nothing when it is there.
   * @throws UserError CLIENT_FILE_MALFORMED, CLIENT_ENTRY_FOREIGN or CLIENT_FILE_UNWRITABLE, and
   * then the file is as it was
   */
  write(entry: ClientFileEntry, options?: { force?: boolean }): Promise<WrittenFile>
  /** What was written and not undone yet. */
  remembered(): Promise<readonly ClientFileMemory[]>
  /** @throws UserError CLIENT_FILE_MALFORMED or CLIENT_FILE_UNWRITABLE */
  undo(memory: ClientFileMemory, options?: { force?: boolean }): Promise<UndoneFile>
}

/** Creates the keeper of clients' files that remembers in `memoryFile`. */
export function createClientFiles({ memoryFile }: { memoryFile: string }): ClientFiles {
  const remembered = () => readClientFileMemory(memoryFile)
  const remember = async (key: ClientFileMemory, memory: ClientFileMemory | undefined) => {
    const others = (await remembered()).filter((one) => !isSame(one, key))
    await writeClientFileMemory(memoryFile, memory ? [...others, memory] : others)
  }

  return {
    remembered,
    async write(entry, { force = false } = {}) {
      const { client, name } = entry
      const file = await readDiskFile(entry.path)
      const { path } = file
      const format = configFormats[entry.format]
      const known = (await remembered()).find((one) => isSame(one, { path, client, name }))
      requireReadable(file.text, { path, format })
      const put = putAll(file.text, entry, { path, format, known, force })
      if (!put.changed) return { path, client, name, outcome: 'unchanged' }
      const isNew = file.content === undefined
      const created = isNew || known?.created === true
      const memory = { path, format: format.name, client, name, created, entries: put.entries }
      // The memory comes first: a crash between the two leaves an entry that is known as ours.
      await remember(memory, memory)
      await writeDiskFile(file, put.text, { backup: !known })
      return { path, client, name, outcome: isNew ? 'created' : 'changed' }
    },
    async undo(memory, { force = false } = {}) {
      const { client, name } = memory
      const file = await readDiskFile(memory.path)
      const { path } = file
      const format = configFormats[memory.format]
      requireReadable(file.text, { path, format })
      const taken = takeAll(file.text, memory, { path, format, force })
      if (taken.outcome === 'edited') return { path, client, name, outcome: 'edited' }
      const isOurs = memory.created && isEmptied(taken.text, format)
      if (file.content && isOurs) await deleteDiskFile(file)
      else if (taken.text !== file.text) await writeDiskFile(file, taken.text, { backup: false })
      await remember(memory, undefined)
      const outcome = taken.outcome !== 'gone' && isOurs ? 'deleted' : taken.outcome
      return { path, client, name, outcome }
    },
  }
}

type Key = Pick<ClientFileMemory, 'path' | 'client' | 'name'>

function isSame(a: Key, b: Key): boolean {
  return a.path === b.path && a.client === b.client && a.name === b.name
}

interface Editing {
  readonly path: string
  readonly format: ConfigFormat
  readonly force: boolean
}

function requireReadable(text: string, { path, format }: Omit<Editing, 'force'>): void {
  const result = format.read(text)
  if (!result.ok) throw fileMalformed(path, result)
}

function putAll(
  text: string,
  { name, places }: ClientFileEntry,
  options: Editing & { known: ClientFileMemory | undefined },
): { text: string; changed: boolean; entries: ClientFileMemory['entries'] } {
  const { path, known } = options
  let next = text
  const before = new Map((known?.entries ?? []).map((one) => [JSON.stringify(one.path), one]))
  for (const place of places) {
    const key = JSON.stringify(place.path)
    const result = putEntry(next, place, { ...options, memory: before.get(key) })
    if (result.state === 'foreign') throw entryForeign(path, name)
    if (result.state === 'impossible') throw notEditable(path, name)
    if (result.state === 'unchanged') continue
    next = result.text
    before.set(key, result.memory as ClientFileMemory['entries'][number])
  }
  return { text: next, changed: next !== text, entries: [...before.values()] }
}

function takeAll(
  text: string,
  memory: ClientFileMemory,
  options: Editing,
): { text: string; outcome: 'restored' | 'removed' | 'gone' | 'edited' } {
  let next = text
  const states: ('gone' | 'exact' | 'rough')[] = []
  for (const entry of memory.entries.toReversed()) {
    const result = takeEntry(next, entry as EntryMemory, options)
    if (result.state === 'impossible') throw notEditable(options.path, memory.name)
    if (result.state === 'edited') return { text, outcome: 'edited' }
    states.push(result.state === 'gone' ? 'gone' : result.exact ? 'exact' : 'rough')
    if (result.state === 'taken') next = result.text
  }
  if (states.every((state) => state === 'gone')) return { text: next, outcome: 'gone' }
  return { text: next, outcome: states.includes('rough') ? 'removed' : 'restored' }
}

/** Whether nothing but empty holders is left; a comment would be somebody's. */
function isEmptied(text: string, format: ConfigFormat): boolean {
  const result = format.read(text)
  return result.ok && isBare(result.value) && !/\/\/|\/\*|#/.test(text)
}

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
type ClientFileMemory = z.output<typeof memorySchema>['files'][number]

/** Where a project remembers what it wrote into clients' files. */
export function clientFileMemoryPath(home: string): string {
  return join(home, 'clients.json')
}

/** Reads what is remembered; nothing when there is no file, or none that can be understood. */
async function readClientFileMemory(file: string): Promise<readonly ClientFileMemory[]> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(file, 'utf8'))).files
  } catch {
    // Without memory entries of ours look like somebody else's, and are left alone.
    return []
  }
}

async function writeClientFileMemory(
  file: string,
  files: readonly ClientFileMemory[],
): Promise<void> {
  if (files.length === 0) await rm(file, { force: true })
  else await writeFileAtomic(file, `${JSON.stringify({ files }, null, 2)}\n`, { mode: 0o600 })
}

/** The file is there and cannot be understood, so nothing was written. */
function fileMalformed(
  path: string,
  place: { line: number; column: number; message: string },
): UserError {
  return new UserError(
    'CLIENT_FILE_MALFORMED',
    `${path} was not changed: it cannot be read at line ${place.line}, column ${place.column}: ${place.message.replace(/\.$/, '')}.`,
    { hint: 'Correct the file there, and try again.' },
  )
}

/** An entry of that name belongs to somebody else. */
function entryForeign(path: string, name: string): UserError {
  return new UserError(
    'CLIENT_ENTRY_FOREIGN',
    `${path} was not changed: it has an entry "${name}" that differs from what was written there from here.`,
    { hint: 'With --force it is replaced, and put back by --undo.' },
  )
}

/** The entry would have to be written in a form that is not edited safely. */
function notEditable(path: string, name: string): UserError {
  return new UserError(
    'CLIENT_FILE_MALFORMED',
    `${path} was not changed: it is written in a form in which "${name}" cannot be changed without touching the rest.`,
    { hint: 'Make the change by hand; without --write the entry is only shown.' },
  )
}
