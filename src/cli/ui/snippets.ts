import { claudeCode } from '../../clients/claude-code.ts'
import {
  type ClientConnection,
  clientEntryName,
  isPublicAddress,
  type McpClient,
} from '../../clients/mcp-client.ts'
import {
  entryCaFile,
  launchCommand,
  type TrustFilePaths,
  trustValue,
} from '../../clients/trust-variables.ts'
import type { ReadyEvent } from '../../gateway-events.ts'
import { needsCa } from '../../origin/exposure.ts'
import { formatCode, formatProse } from './layout.ts'
import type { Screen } from './styler.ts'

/** What a setup is shown for. */
export interface SetupView {
  readonly screen: Screen
  readonly platform: NodeJS.Platform
  /** Claude Code unless others were asked for. */
  readonly clients?: readonly McpClient[] | undefined
  /** The entries are written into the clients' files, so that none is shown. */
  readonly written?: boolean | undefined
}

/** What is pasted: the configuration for the first profile, which is the one most want. */
export function clientSnippet(
  ready: ReadyEvent,
  client: McpClient = claudeCode,
): { text: string; place: string } | undefined {
  const [first] = connectionsOf(ready)
  return first && client.snippet(first)
}

/** How the profiles are connected to each client. */
export function formatClientSetup(ready: ReadyEvent, view: SetupView): string[] {
  const [first, ...others] = connectionsOf(ready)
  if (!first) return []
  const { clients = [claudeCode] } = view
  return clients.flatMap((client, index) => [
    ...(index > 0 ? [''] : []),
    ...formatClient(client, first, { others, view, trust: trustOf(ready) }),
  ])
}

function connectionsOf(ready: ReadyEvent): ClientConnection[] {
  const caFile = entryCaFile(trustFilesIn(ready))
  return ready.profiles.map(({ name, url }) => ({ name: clientEntryName(name), url, caFile }))
}

/** The files by which clients trust the address; undefined where they need none, or none is known. */
export function trustFilesIn(ready: ReadyEvent): TrustFilePaths | undefined {
  const { appUrl, caFile, bundleFile, combinedFiles } = ready
  if (caFile === undefined || !needsCa(appUrl)) return undefined
  return { caFile, bundleFile, combinedFiles }
}

function trustOf(ready: ReadyEvent): TrustNeed {
  if (!needsCa(ready.appUrl)) return ready.appUrl.startsWith('http:') ? 'plain' : 'public'
  return trustFilesIn(ready) ?? 'own'
}

/** The files to trust, or why there are none: plain HTTP, a public address, a certificate of theirs. */
export type TrustNeed = 'plain' | 'public' | 'own' | TrustFilePaths

function formatClient(
  client: McpClient,
  first: ClientConnection,
  options: { others: readonly ClientConnection[]; view: SetupView; trust: TrustNeed },
): string[] {
  const { view, trust, others } = options
  const { screen } = view
  if (client.dials === 'cloud' && !isPublicAddress(first.url)) {
    const text = `${client.title} calls from elsewhere and cannot reach this address: open a tunnel for it.`
    return formatProse(text, screen).map(screen.style.yellow)
  }
  return [
    ...(view.written && client.file
      ? formatProse(`${client.title}: ${client.next(first)}`, screen)
      : formatEntry(client, first, screen)),
    ...formatOthers(others, screen),
    '',
    ...formatTrust(client, trust, view),
  ]
}

/** The entry for a client's configuration, and the command or links that add it. */
export function formatEntry(
  client: McpClient,
  connection: ClientConnection,
  screen: Screen,
): string[] {
  const { place, text, language } = client.snippet(connection)
  const command = client.command?.(connection)
  const links = client.links?.(connection) ?? []
  const cyan = (code: string) => cyanCode(code, screen)
  const where = language === 'text' ? `under ${place}, with` : `with this in ${place}`
  return [
    ...formatProse(`Connect ${client.title} ${where}`, screen),
    ...cyan(text),
    ...(command === undefined ? [] : ['', ...formatProse('or with', screen), ...cyan(command)]),
    ...links.flatMap(({ label, url }) => ['', ...formatProse(`${label}:`, screen), ...cyan(url)]),
  ]
}

function formatOthers(others: readonly ClientConnection[], screen: Screen): string[] {
  if (others.length === 0) return []
  const names = others.map(({ name }) => name).join(', ')
  const kind = others.length === 1 ? 'The other profile is' : 'The other profiles are'
  return formatProse(`${kind} added the same way, as ${names}.`, screen)
}

/** How a client is started so that it trusts the address, or why nothing is needed for that. */
export function formatTrust(
  { trust }: McpClient,
  need: TrustNeed,
  { screen, platform }: SetupView,
): string[] {
  if (need === 'own') {
    const text = 'The certificate is yours: the client must already trust who signed it.'
    return formatProse(text, screen)
  }
  if (typeof need === 'string') {
    const why = need === 'plain' ? 'the address is plain HTTP' : 'the address is public'
    return formatProse(`No certificate variable is needed: ${why}.`, screen)
  }
  if (!trust) return []
  if (trust.inEntry)
    return formatProse('The entry names the certificate authority to trust.', screen)
  const { variable, program } = trust
  if (program === undefined) {
    const text = `Give it the certificate authority it has to trust: ${variable.name} in the environment it starts in is`
    return [...formatProse(text, screen), ...cyanCode(trustValue(variable, need), screen)]
  }
  return [
    ...formatProse('and start it with the certificate authority it has to trust', screen),
    ...cyanCode(launchCommand(program, { variable, files: need }, platform), screen),
  ]
}

function cyanCode(code: string, screen: Screen): string[] {
  return formatCode(code, screen).map((line) => screen.style.cyan(line))
}
