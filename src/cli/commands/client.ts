import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import {
  type ClientFiles,
  clientFileMemoryPath,
  createClientFiles,
  type UndoneFile,
} from '../../clients/client-files.ts'
import {
  type ClientConnection,
  type ClientScope,
  clientEntryName,
  keyVariableOf,
  type McpClient,
  requireUsable,
  writeClient,
} from '../../clients/mcp-client.ts'
import { mcpClients, requireClient } from '../../clients/mcp-clients.ts'
import { entryCaFile, type TrustFilePaths, trustValue } from '../../clients/trust-variables.ts'
import type { UserFolders } from '../../clients/user-folders.ts'
import { runningAddress } from '../../config/instance-lock.ts'
import { loadConfig, userFolderVariables } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { combineOptions } from '../../gateway/open-certificate.ts'
import { ownValue } from '../../lib/objects.ts'
import { needsCa } from '../../origin/exposure.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import { lookAtCertificate } from '../../tls/configured-certificate.ts'
import { combineTrustFiles } from '../../tls/trust-files.ts'
import { type CopyResult, copyToClipboard } from '../clipboard.ts'
import type { Output, World } from '../output.ts'
import { clientData, formatClientList, formatUndone, formatWritten } from '../ui/clients.ts'
import { formatClientEntry, formatQr, formatTrust, type TrustNeed } from '../ui/snippets.ts'

/** The options of `sallyport client`, as they were typed. */
export interface ClientFlags {
  readonly profile?: string
  readonly scope?: string
  readonly url?: string
  /** The variable with an API key. */
  readonly key?: string
  readonly write?: boolean
  readonly undo?: boolean
  readonly force?: boolean
  readonly copy?: boolean
  readonly qr?: boolean
  readonly json?: boolean
}

/** Shows how a client is connected, or does it; lists the clients when none is named. */
export async function client(
  name: string | undefined,
  flags: ClientFlags,
  { output, process }: World,
): Promise<number> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const { platform } = process
  const deps: ClientDeps = {
    output,
    platform,
    config,
    folders: userFolders(process),
    files: createClientFiles({ memoryFile: clientFileMemoryPath(config.home) }),
    runningAt: () => runningAddress(config.home),
    trustFiles: await trustFilesOf(config),
    copy: (text) =>
      copyToClipboard(text, { platform, writeTerminal: (sequence) => output.sequence(sequence) }),
  }
  return name === undefined ? listClients(deps) : runClient(name, flags, deps)
}

/** What `client` is made of. */
export interface ClientDeps {
  readonly output: Output
  readonly platform: NodeJS.Platform
  readonly config: ResolvedConfig
  readonly folders: UserFolders
  readonly files: ClientFiles
  /** The public or local origin at which the gateway of this folder answers now. */
  readonly runningAt: () => Promise<string | undefined>
  /** The files of our authority; none where the root of the user's own is not known. */
  readonly trustFiles: TrustFilePaths | undefined
  readonly copy: (text: string) => Promise<CopyResult>
}

/** Lists every client, and where each has its configuration. */
export function listClients({ output, folders }: ClientDeps): number {
  output.data({ clients: mcpClients.map((client) => clientData(client, folders)) })
  output.answer(formatClientList(mcpClients, output.stdout))
  return 0
}

/**
 * Shows how a client is connected, or does it, or undoes it. Resolves with the exit code.
 * @throws UserError USAGE, CLIENT_NEEDS_PUBLIC_ADDRESS, or why a file was not changed
 */
export async function runClient(id: string, flags: ClientFlags, deps: ClientDeps): Promise<number> {
  const client = requireClient(id)
  const scope = scopeOf(flags.scope)
  if (flags.undo) return undoClient(client, { ...flags, scope }, deps)
  const target = await targetOf(flags, deps)
  const { connection } = target
  requireUsable(client, connection)
  const written = flags.write
    ? await writeClient(client, connection, { ...deps, scope, force: flags.force === true })
    : undefined
  deps.output.data({
    client: client.id,
    profile: target.profile,
    running: target.running,
    ...connection,
    snippet: client.snippet(connection),
    command: client.command?.(connection),
    links: client.links?.(connection) ?? [],
    trust: trustData(client, target.trust),
    next: client.next(connection),
    ...(written && { written }),
  })
  show(client, target, { deps, written })
  if (flags.qr) deps.output.answer(['', ...formatQr(connection.url, deps.output.stdout)])
  if (flags.copy) await copySnippet(client.snippet(connection).text, deps)
  return 0
}

interface Target {
  readonly profile: string
  readonly connection: ClientConnection
  readonly trust: TrustNeed
  readonly running: boolean
  /** The address is the one the gateway would have, but it does not run. */
  readonly isExpected: boolean
}

async function targetOf(flags: ClientFlags, deps: ClientDeps): Promise<Target> {
  const { profiles } = deps.config
  const profile =
    flags.profile ?? (Object.hasOwn(profiles, 'default') ? 'default' : Object.keys(profiles)[0])
  const configured = profile === undefined ? undefined : ownValue(profiles, profile)
  if (profile === undefined || !configured) {
    throw new UserError('USAGE', `There is no profile ${JSON.stringify(profile ?? '')}.`, {
      hint: `Profiles are ${Object.keys(profiles).join(', ')}.`,
    })
  }
  const running = await deps.runningAt()
  const url = addressOf(profile, { flags, running, config: deps.config })
  const files = needsCa(new URL(url).origin) ? deps.trustFiles : undefined
  const name = clientEntryName(profile)
  const keyVariable = flags.key ?? (configured.auth === 'key' ? keyVariableOf(name) : undefined)
  return {
    profile,
    running: running !== undefined,
    isExpected: running === undefined && flags.url === undefined,
    connection: { name, url, keyVariable, caFile: entryCaFile(files) },
    trust: files ?? trustWithout(url),
  }
}

function addressOf(
  profile: string,
  given: { flags: ClientFlags; running: string | undefined; config: ResolvedConfig },
): string {
  const { flags, running, config } = given
  const { httpPort, httpsPort } = config.listen
  const isSecure = config.https && config.tunnel !== 'none'
  const local = isSecure ? `https://localhost:${httpsPort}` : `http://localhost:${httpPort}`
  const origin = running ?? config.appUrl ?? local
  if (flags.url === undefined) return publicUrls(origin).mcp(profile)
  const url = URL.canParse(flags.url) ? new URL(flags.url) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new UserError('USAGE', 'The value of --url is no address that a client could be given.', {
      hint: 'Give an origin such as https://mcp.example.com, or the whole address of an endpoint.',
    })
  }
  return url.pathname === '/' ? publicUrls(url.origin).mcp(profile) : url.href
}

function trustData({ trust }: McpClient, need: TrustNeed) {
  if (!trust || typeof need === 'string') return undefined
  return { name: trust.variable.name, value: trustValue(trust.variable, need) }
}

function trustWithout(url: string): TrustNeed {
  if (needsCa(new URL(url).origin)) return 'own'
  return url.startsWith('http:') ? 'plain' : 'public'
}

function show(
  client: McpClient,
  { connection, trust, isExpected }: Target,
  { deps, written }: { deps: ClientDeps; written: Parameters<typeof formatWritten>[0] | undefined },
): void {
  const { output, platform, folders } = deps
  const screen = output.stdout
  if (isExpected) {
    const note =
      'The gateway is not running here, so this is the address it would have without a tunnel.'
    output.talk(output.stderr.prose(note))
  }
  output.answer([
    '',
    ...(written
      ? formatWritten(written, { screen, folder: folders.projectDir })
      : formatClientEntry(client, connection, screen)),
    '',
    ...(client.dials === 'cloud' ? [] : [...formatTrust(client, trust, { screen, platform }), '']),
    ...screen.prose(client.next(connection)),
    '',
  ])
}

async function copySnippet(text: string, { output, copy }: ClientDeps): Promise<void> {
  const result = await copy(text)
  const said =
    result.by === 'command'
      ? `Copied with ${result.command}.`
      : 'Asked the terminal to copy it; if it does not allow that, select it above.'
  output.talk(`  ${said}`)
}

async function undoClient(
  client: McpClient,
  flags: Omit<ClientFlags, 'scope'> & { scope: ClientScope | undefined },
  { output, folders, files }: ClientDeps,
): Promise<number> {
  const name = flags.profile === undefined ? undefined : clientEntryName(flags.profile)
  const path = flags.scope && client.file?.paths(folders)[flags.scope]
  const ours = (await files.remembered()).filter(
    (one) =>
      one.client === client.id &&
      (name === undefined || one.name === name) &&
      (flags.scope === undefined || one.path === path),
  )
  const undone: UndoneFile[] = []
  for (const memory of ours) {
    undone.push(await files.undo(memory, { force: flags.force === true }))
  }
  output.data({ client: client.id, undone })
  output.answer(formatUndone(client, undone, { screen: output.stdout, folder: folders.projectDir }))
  return undone.some(({ outcome }) => outcome === 'edited') ? 1 : 0
}

function scopeOf(scope: string | undefined): ClientScope | undefined {
  if (scope === undefined || scope === 'project' || scope === 'user') return scope
  throw new UserError('USAGE', `There is no scope ${JSON.stringify(scope)}.`, {
    hint: 'Scopes are project (this folder) and user (everything of this user).',
  })
}

/** Where this user's programs keep their files. */
export function userFolders(process: NodeJS.Process): UserFolders {
  return {
    platform: process.platform,
    home: homedir(),
    projectDir: process.cwd(),
    ...userFolderVariables(),
  }
}

/** Those that a start writes, or has written; none where the root of the user's own is not known. */
async function trustFilesOf(config: ResolvedConfig): Promise<TrustFilePaths | undefined> {
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const look = await lookAtCertificate(config, { readText, now: Date.now() })
  const { folder, caFile, bundleFile, authority } = look
  if (!authority && config.tls.certPath !== undefined) return undefined
  const files = { ca: caFile, bundle: bundleFile }
  const combinedFiles = await combineTrustFiles({ ...combineOptions(config), folder, files })
  return { caFile, bundleFile, combinedFiles }
}
