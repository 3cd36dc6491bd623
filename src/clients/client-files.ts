import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { ConfigFormat } from '../editing/config-format.ts'
import { type ConfigLanguage, configFormats } from '../editing/config-formats.ts'
import {
  entryMemorySchema,
  isBare,
  type PlacedEntry,
  putEntry,
  takeEntry,
} from '../editing/edit-entry.ts'
import { readUserFile, writeUserFile } from '../editing/user-file.ts'
import { messageOf, UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'

/** One entry of ours in one client's file. */
export interface ClientFileEntry {
  /** Absolute. */
  readonly path: string
  readonly format: ConfigLanguage
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
export type ClientFiles = ReturnType<typeof createClientFiles>

/** Creates the keeper of clients' files that remembers in `memoryFile`. */
export function createClientFiles({ memoryFile }: { memoryFile: string }) {
  /** What was written and not undone yet. */
  const remembered = () => readMemory(memoryFile)
  const remember = async (key: ClientFileMemory, memory: ClientFileMemory | undefined) => {
    const others = (await remembered()).filter((one) => !isSame(one, key))
    await writeMemory(memoryFile, memory ? [...others, memory] : others)
  }

  return {
    remembered,
    /**
     * Puts an entry into its file, and changes nothing else there; writes nothing when it is there.
     * @throws UserError CLIENT_FILE_MALFORMED, CLIENT_ENTRY_FOREIGN or CLIENT_FILE_UNWRITABLE, and
     * then the file is as it was
     */
    async write(entry: ClientFileEntry, { force = false } = {}): Promise<WrittenFile> {
      const { client, name, format: language } = entry
      const file = await writing(entry.path, () => readUserFile(entry.path))
      const { path } = file
      const format = configFormats[language]
      const known = (await remembered()).find((one) => isSame(one, { path, client, name }))
      requireReadable(file.text, { path, format })
      const put = putAll(file.text, entry, { path, format, known, force })
      if (!put.changed) return { path, client, name, outcome: 'unchanged' }
      const isNew = file.bytes === undefined
      const created = isNew || known?.created === true
      const memory = { path, format: language, client, name, created, entries: put.entries }
      // The memory comes first: a crash between the two leaves an entry that is known as ours.
      await remember(memory, memory)
      await writing(path, () => writeUserFile(file, put.text, { backup: !known }))
      return { path, client, name, outcome: isNew ? 'created' : 'changed' }
    },
    /** @throws UserError CLIENT_FILE_MALFORMED or CLIENT_FILE_UNWRITABLE */
    async undo(memory: ClientFileMemory, { force = false } = {}): Promise<UndoneFile> {
      const { client, name } = memory
      const file = await writing(memory.path, () => readUserFile(memory.path))
      const { path } = file
      const format = configFormats[memory.format]
      requireReadable(file.text, { path, format })
      const taken = takeAll(file.text, memory, { path, format, force })
      if (taken.outcome === 'edited') return { path, client, name, outcome: 'edited' }
      const isOurs = memory.created && isEmptied(taken.text, format)
      const text = isOurs ? undefined : taken.text
      if (file.bytes && text !== file.text) await writing(path, () => writeUserFile(file, text))
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
    before.set(key, result.memory)
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
    const result = takeEntry(next, entry, options)
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
      entries: z.array(entryMemorySchema),
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
async function readMemory(file: string): Promise<readonly ClientFileMemory[]> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(file, 'utf8'))).files
  } catch {
    // Without memory entries of ours look like somebody else's, and are left alone.
    return []
  }
}

async function writeMemory(file: string, files: readonly ClientFileMemory[]): Promise<void> {
  if (files.length === 0) await rm(file, { force: true })
  else await writeFileAtomic(file, `${JSON.stringify({ files }, null, 2)}\n`, { mode: 0o600 })
}

/** @throws UserError CLIENT_FILE_UNWRITABLE for what the system says */
async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const message = `${path} was not changed: ${messageOf(cause)}.`
    throw new UserError('CLIENT_FILE_UNWRITABLE', message, {
      hint: 'Make the file and its folder writable for your user, and try again.',
      cause,
    })
  }
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
