import type { ReadyEvent } from '../../gateway-events.ts'
import { printableValues } from '../../lib/printable.ts'
import { type Exposure, exposureOfOrigin, isOtherNameOfLocalhost } from '../../origin/exposure.ts'
import { formatFingerprint } from './fingerprint.ts'
import { formatRow } from './layout.ts'
import { formatProblems, formatProfile } from './profiles.ts'
import { formatClientSetup, type SetupView } from './snippets.ts'
import type { Screen } from './styler.ts'

/** What the ready screen needs beyond what the gateway said. */
export interface ReadyView {
  readonly screen: Screen
  readonly platform: NodeJS.Platform
  /** The configuration file, as short as it can be named from here. */
  readonly configFile: string
  /** One line of words for whose certificate is served; absent without HTTPS of our own. */
  readonly certificateSource?: string
  /** Whether keys are listened to. */
  readonly keys: boolean
  /** There when others in the network reach us: the profiles that ask nobody for a login. */
  readonly network?: { readonly open: readonly string[] }
  /** See `SetupView`. */
  readonly clients?: SetupView['clients']
  readonly written?: SetupView['written']
}

/** Everything a person wants to see once the gateway is ready. */
export function formatReady(event: ReadyEvent, view: ReadyView): string {
  const ready = printableValues(event)
  const { screen } = view
  const { style } = screen
  const problems = formatProblems(ready, view)
  const lines = [
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
  return lines.join('\n')
}

function formatAddresses(ready: ReadyEvent, { screen, network }: ReadyView): string[] {
  const origins = ready.origins.filter((origin) => !isOtherNameOfLocalhost(origin, ready.origins))
  const of = (exposure: Exposure) =>
    origins.filter((origin) => exposureOfOrigin(origin) === exposure)
  const profiles = ready.profiles.flatMap((profile) => formatProfile(profile, screen))
  return [
    ...formatRow('Public', of('public'), screen),
    ...formatRow('Local', of('loopback'), screen),
    ...formatRow('Network', [...of('network'), ...formatExposure(network)], screen),
    ...formatRow('MCP', profiles, screen),
    ...formatRow('Redirect', [ready.redirectUri], screen),
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
  const lines = [
    ...(view.certificateSource ? [view.certificateSource] : []),
    ...formatFile(
      ready.caFile === undefined
        ? { label: 'file', file: ready.certFile, fingerprint: ready.certFingerprint }
        : { label: 'authority', file: ready.caFile, fingerprint: ready.caFingerprint },
      screen,
    ),
  ]
  return formatRow('TLS', lines, screen)
}

/** A certificate's file and its own fingerprint below it, as somebody compares them. */
function formatFile(
  {
    label,
    file,
    fingerprint,
  }: { label: string; file: string | undefined; fingerprint: string | undefined },
  screen: Screen,
): string[] {
  if (file === undefined || fingerprint === undefined) return []
  const sha256 = formatFingerprint(fingerprint, { label: 'SHA-256    ', screen })
  return [`${label.padEnd(9)}  ${file}`, ...sha256]
}

/** The keys that work, on one line. */
export function formatKeyBar({ style }: Screen): string[] {
  const keys = [
    ['c', 'copy the snippet'],
    ['q', 'QR code'],
    ['r', 'reopen'],
    ['d', 'doctor'],
    ['?', 'help'],
    ['Ctrl-C', 'stop'],
  ]
  return [
    `  ${keys.map(([key, does]) => `${style.bold(key ?? '')} ${style.dim(does ?? '')}`).join('   ')}`,
  ]
}
