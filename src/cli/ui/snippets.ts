import { renderUnicodeCompact } from 'uqr'
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
import type { Screen } from './screen.ts'

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
    return screen.prose(text).map(screen.style.yellow)
  }
  return [
    ...(view.written && client.file
      ? screen.prose(`${client.title}: ${client.next(first)}`)
      : formatClientEntry(client, first, screen)),
    ...formatOthers(others, screen),
    '',
    ...formatTrust(client, trust, view),
  ]
}

/** The entry for a client's configuration, and the command or links that add it. */
export function formatClientEntry(
  client: McpClient,
  connection: ClientConnection,
  screen: Screen,
): string[] {
  const { place, text, language } = client.snippet(connection)
  const command = client.command?.(connection)
  const links = client.links?.(connection) ?? []
  const where = language === 'text' ? `under ${place}, with` : `with this in ${place}`
  return [
    ...screen.prose(`Connect ${client.title} ${where}`),
    ...screen.code(text),
    ...(command === undefined ? [] : ['', ...screen.prose('or with'), ...screen.code(command)]),
    ...links.flatMap(({ label, url }) => ['', ...screen.prose(`${label}:`), ...screen.code(url)]),
  ]
}

function formatOthers(others: readonly ClientConnection[], screen: Screen): string[] {
  if (others.length === 0) return []
  const names = others.map(({ name }) => name).join(', ')
  const kind = others.length === 1 ? 'The other profile is' : 'The other profiles are'
  return screen.prose(`${kind} added the same way, as ${names}.`)
}

/** How a client is started so that it trusts the address, or why nothing is needed for that. */
export function formatTrust(
  { trust }: McpClient,
  need: TrustNeed,
  { screen, platform }: SetupView,
): string[] {
  if (need === 'own') {
    const text = 'The certificate is yours: the client must already trust who signed it.'
    return screen.prose(text)
  }
  if (typeof need === 'string') {
    const why = need === 'plain' ? 'the address is plain HTTP' : 'the address is public'
    return screen.prose(`No certificate variable is needed: ${why}.`)
  }
  if (!trust) return []
  if (trust.inEntry) return screen.prose('The entry names the certificate authority to trust.')
  const { variable, program } = trust
  if (program === undefined) {
    const text = `Give it the certificate authority it has to trust: ${variable.name} in the environment it starts in is`
    return [...screen.prose(text), ...screen.code(trustValue(variable, need))]
  }
  return [
    ...screen.prose('and start it with the certificate authority it has to trust'),
    ...screen.code(launchCommand(program, { variable, files: need }, platform)),
  ]
}

/** An address as a QR code; only the address when the screen is too narrow for it. */
export function formatQr(url: string, { columns }: Screen): string[] {
  // uqr fills the light modules, which is right where text is light on dark, as in most terminals.
  const lines = renderUnicodeCompact(url, { border: 2, ecc: 'L' }).split('\n')
  const fits = lines.every((line) => line.length + 2 <= columns)
  const code = fits
    ? lines.map((line) => `  ${line}`)
    : ['  The terminal is too narrow for a QR code.']
  return [...code, `  ${url}`]
}
