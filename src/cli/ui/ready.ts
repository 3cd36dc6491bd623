import type { ProfileSummary, ReadyEvent, UpstreamState } from '../../gateway-events.ts'
import { printableValues } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import { type Exposure, exposureOfOrigin, isOtherNameOfLocalhost } from '../../origin/exposure.ts'
import type { Screen } from './screen.ts'
import { formatClientSetup, type SetupView } from './snippets.ts'

/** What the ready screen needs beyond what the gateway said. */
export interface ReadyView extends SetupView {
  /** The configuration file, as short as it can be named from here. */
  readonly configFile: string
  /** One line of words for whose certificate is served; absent without HTTPS of our own. */
  readonly certificateSource?: string
  /** Whether keys are listened to. */
  readonly keys: boolean
  /** There when others in the network reach us: the profiles that ask nobody for a login. */
  readonly network?: { readonly open: readonly string[] }
}

/** Everything a person wants to see once the gateway is ready. */
export function formatReady(event: ReadyEvent, view: ReadyView): string[] {
  const ready = printableValues(event)
  const { screen } = view
  const { style } = screen
  const problems = formatProblems(ready, view)
  return [
    '',
    `  ${style.bold(style.green('sallyport'))} ${ready.version}  ${style.dim('ready in')} ${ready.startedInMs} ms`,
    '',
    ...formatAddresses(ready, view),
    ...formatCertificate(ready, view),
    ...(problems.length > 0 ? ['', ...problems] : []),
    '',
    ...formatClientSetup(ready, view),
    ...(view.keys ? ['', ...formatKeyBar(screen)] : []),
    '',
  ]
}

function formatAddresses(ready: ReadyEvent, { screen, network }: ReadyView): string[] {
  const origins = ready.origins.filter((origin) => !isOtherNameOfLocalhost(origin, ready.origins))
  const of = (exposure: Exposure) =>
    origins.filter((origin) => exposureOfOrigin(origin) === exposure)
  const profiles = ready.profiles.flatMap((profile) => formatProfile(profile, screen))
  return [
    ...screen.row('Public', of('public')),
    ...screen.row('Local', of('loopback')),
    ...screen.row('Network', [...of('network'), ...formatExposure(network)]),
    ...screen.row('MCP', profiles),
    ...screen.row('Redirect', [ready.redirectUri]),
  ]
}

/** What whoever is in the network finds there. */
function formatExposure(network: ReadyView['network']): string[] {
  if (!network) return []
  const finds =
    network.open.length === 0
      ? 'and is asked for a login'
      : `without a login at ${network.open.join(', ')}`
  return [`whoever is in this network reaches it, ${finds}`]
}

function formatCertificate(ready: ReadyEvent, view: ReadyView): string[] {
  const { screen } = view
  const isOurs = ready.caFile !== undefined
  const file = isOurs ? ready.caFile : ready.certFile
  const fingerprint = isOurs ? ready.caFingerprint : ready.certFingerprint
  return screen.row('TLS', [
    ...(view.certificateSource ? [view.certificateSource] : []),
    ...(file === undefined || fingerprint === undefined
      ? []
      : // The file's own fingerprint below it, as somebody compares them.
        [
          `${isOurs ? 'authority' : 'file     '}  ${file}`,
          ...screen.fingerprint(fingerprint, 'SHA-256    '),
        ]),
  ])
}

/** The keys that work, on one line. */
function formatKeyBar({ style }: Screen): string[] {
  const keys = [
    ['c', 'copy the snippet'],
    ['q', 'QR code'],
    ['r', 'reopen'],
    ['d', 'doctor'],
    ['?', 'help'],
    ['Ctrl-C', 'stop'],
  ]
  const words = keys.map(([key = '', does = '']) => `${style.bold(key)} ${style.dim(does)}`)
  return [`  ${words.join('   ')}`]
}

/** One profile: its endpoint, then what it offers and from which servers. */
function formatProfile(profile: ProfileSummary, screen: Screen): string[] {
  const { style } = screen
  const servers = profile.servers.map(({ name, state }) => {
    if (state === 'failed') return `${name} (failed)`
    return state === 'login-needed' ? `${name} (waits for a login)` : name
  })
  const summary = `${formatOffer(profile)} from ${count(servers.length, 'server')}: ${servers.join(', ')}`
  return [
    style.cyan(profile.url),
    ...(servers.length > 0 ? screen.wrap(summary) : ['no servers']).map(style.dim),
  ]
}

function formatOffer({ tools, resources, prompts }: ProfileSummary): string {
  const extras = [
    ...(resources > 0 ? [count(resources, 'resource')] : []),
    ...(prompts > 0 ? [count(prompts, 'prompt')] : []),
  ]
  return [count(tools, 'tool'), ...extras].join(', ')
}

/** What is wrong with servers and names, each with what to do; nothing when all is well. */
function formatProblems(
  ready: ReadyEvent,
  { screen, configFile }: Pick<ReadyView, 'screen' | 'configFile'>,
): string[] {
  return [
    // The link in it may be longer than a line, and must not be broken.
    ...serversIn(ready, 'login-needed').map(({ error }) => screen.style.yellow(`  ${error}`)),
    ...serversIn(ready, 'failed').flatMap(({ name, error, profiles }) =>
      screen.warning({
        message: `Server "${name}" failed: ${error}`,
        hint: `It is started again with growing pauses, and at once when its entry in ${configFile} changes. ${where(profiles)} without its tools until then.`,
      }),
    ),
    ...ready.profiles.flatMap(({ name, problems }) =>
      problems.flatMap((problem) => screen.warning({ message: `Profile "${name}": ${problem}` })),
    ),
  ]
}

function where(profiles: readonly string[]): string {
  const names = profiles.map((name) => `"${name}"`).join(', ')
  return profiles.length === 1 ? `Profile ${names} works` : `Profiles ${names} work`
}

/** The servers in a state, each with the profiles that have it. */
function serversIn(ready: ReadyEvent, wanted: UpstreamState) {
  const found = new Map<string, { name: string; error: string; profiles: string[] }>()
  for (const profile of ready.profiles) {
    for (const { name, state, error } of profile.servers) {
      if (state !== wanted) continue
      const entry = found.get(name) ?? { name, error: error ?? 'no reason was given', profiles: [] }
      entry.profiles.push(profile.name)
      found.set(name, entry)
    }
  }
  return [...found.values()]
}
