import type { UndoneFile, WrittenFile } from '../../clients/client-files.ts'
import type { McpClient } from '../../clients/mcp-client.ts'
import type { UserFolders } from '../../clients/user-folders.ts'
import { backupPath } from '../../editing/user-file.ts'
import type { ClientFileEvent } from '../../gateway-events.ts'
import { shortPath } from '../../lib/wording.ts'
import { margin, type Screen } from './screen.ts'

/** A client for a machine. */
export function clientData(client: McpClient, folders: UserFolders) {
  const { id, title, dials, auth, trust, file } = client
  const variable = trust?.variable
  return { id, title, dials, auth, trust: variable, files: file?.paths(folders) ?? {} }
}

/** Every client on a line: its name for the command, what it is, and how it is connected. */
export function formatClientList(clients: readonly McpClient[], screen: Screen): string[] {
  const width = Math.max(...clients.map(({ id }) => id.length)) + 2
  const lines = clients.map(
    (client) =>
      `${margin}${screen.style.bold(client.id.padEnd(width))}${client.title} ${screen.style.dim(`(${wayOf(client)})`)}`,
  )
  const help =
    'Show how with `pnpm sallyport client <name>`, do it with --write, and take it back with --undo.'
  return ['', ...lines, '', ...screen.prose(help), '']
}

function wayOf({ dials, file }: McpClient): string {
  if (dials === 'cloud') return 'by hand; needs a public address'
  return file ? '--write' : 'by hand'
}

interface PathView {
  readonly screen: Screen
  /** Paths below it are shown short. */
  readonly folder: string
}

/** What became of a client's file, as a sentence. */
export function formatWritten(written: WrittenFile, { screen, folder }: PathView): string[] {
  const path = shortPath(written.path, folder)
  switch (written.outcome) {
    case 'unchanged':
      return screen.prose(`"${written.name}" is in ${path} already; nothing was written.`)
    case 'created':
      return screen.prose(`Wrote "${written.name}" into ${path}, which is new.`)
    case 'changed': {
      const kept = `what it was before us is kept in ${shortPath(backupPath(written.path), folder)}`
      return screen.prose(`Wrote "${written.name}" into ${path}; ${kept}.`)
    }
  }
}

/** What became of the entries that were to be taken back. */
export function formatUndone(
  client: McpClient,
  undone: readonly UndoneFile[],
  { screen, folder }: PathView,
): string[] {
  if (undone.length === 0) {
    const text = `Nothing of ours is remembered in a file of ${client.title}, so nothing was changed.`
    return screen.prose(text)
  }
  return undone.flatMap((one) => screen.prose(undoneSentence(one, folder)))
}

/** One entry that was taken back, as a sentence. */
export function undoneSentence(
  { outcome, name, path }: Pick<UndoneFile, 'outcome' | 'name' | 'path'>,
  folder: string,
): string {
  const file = shortPath(path, folder)
  switch (outcome) {
    case 'restored':
      return `Took "${name}" out of ${file}, which is as it was before.`
    case 'removed':
      return `Took "${name}" out of ${file}; the rest of it was changed meanwhile and stays.`
    case 'deleted':
      return `Removed ${file}, which was ours alone.`
    case 'gone':
      return `"${name}" was not in ${file} any more.`
    case 'edited':
      return `"${name}" in ${file} was changed by somebody and stays; --undo --force takes it out all the same.`
  }
}

/** What was written while the gateway runs; undefined for the rest, which is told at the end. */
export function clientFileSentence({ name, path, outcome }: ClientFileEvent): string | undefined {
  switch (outcome) {
    case 'unchanged':
      return `"${name}" is in ${path} already.`
    case 'created':
      return `Wrote "${name}" into ${path}, which is new.`
    case 'changed':
      return `Wrote "${name}" into ${path}.`
    default:
      return undefined
  }
}
