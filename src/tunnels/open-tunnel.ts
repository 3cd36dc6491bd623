import { messageOf, UserError } from '../errors.ts'
import { type Alarm, type Clock, withDeadline } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { ProbeVerdict } from './probe-verdict.ts'
import type { TunnelEdge } from './tunnel-edge.ts'
import type { Tunnel, TunnelProvider, TunnelTraits } from './tunnel-provider.ts'
import { failureOf, type OpenFailure, type TunnelStatus } from './tunnel-status.ts'

/** A provider as the supervisor knows it. */
export interface TunnelEntry {
  readonly provider: TunnelProvider
  readonly traits: TunnelTraits
  /**
   * Where its client connects to, as far as host and port. Looked at to tell whether there is a
   * network, and whether a lost tunnel's service is back.
   */
  readonly service?: URL
}

/** A tunnel whose address was proven. Whoever holds it must `drop` it. */
export interface ProvenTunnel {
  readonly entry: TunnelEntry
  readonly tunnel: Tunnel
  /** An origin, without a trailing slash. */
  readonly publicUrl: string
  readonly verdict: ProbeVerdict
  /** Closes it and no longer admits its origin. Never rejects, and takes no longer than 5 s. */
  drop(): Promise<void>
}

export type OpenResult =
  | { readonly ok: true; readonly opened: ProvenTunnel }
  | { readonly ok: false; readonly failure: OpenFailure }

/** What opening, serving and reopening share. */
export interface TunnelContext {
  /** In the order to try them. */
  readonly entries: readonly TunnelEntry[]
  /** Whether the user named them; else nothing is tried where there is no network. */
  readonly named: boolean
  /** Whether another provider may take over from one that is lost for good. */
  readonly failOver: boolean
  /** Where tunnels lead: a listener of ours on loopback. */
  readonly target: URL
  readonly edge: TunnelEdge
  /** Lets requests for a public origin in, so that it can be proven; the result shuts it out. */
  readonly admit: (origin: string) => () => void
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly tell: (status: TunnelStatus) => void
  /** Says that no provider works at present. */
  readonly goLocal: (reason: string, failures: readonly OpenFailure[]) => void
  readonly isOnline: (signal: AbortSignal) => Promise<boolean>
  /** Rings when the surroundings have changed, or somebody wants a tunnel at once. */
  readonly alarm: Alarm
  readonly signal: AbortSignal
}

/** Providers have limits of their own; this one is for a provider that forgot, ms. */
const openMs = 90_000
const closeMs = 5_000

/**
 * Opens a tunnel and proves its address. Leaves nothing behind when it fails.
 * @param hurry gives up on an address that is still not known, without ending the rest
 * @throws the context's signal's reason; every other failure is a result
 */
export async function openProven(
  entry: TunnelEntry,
  context: TunnelContext,
  hurry: AbortSignal,
): Promise<OpenResult> {
  const { name } = entry.provider
  const { signal, logger } = context
  try {
    await requireSetUp(entry.provider)
    context.tell({ state: 'opening', provider: name })
    const tunnel = await openInTime(entry, context, hurry)
    return await prove({ entry, tunnel }, context)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof UserError)) {
      logger.error('opening a tunnel failed', { provider: name, error: messageOf(error) })
    }
    return { ok: false, failure: failureOf(name, error) }
  }
}

async function requireSetUp(provider: TunnelProvider): Promise<void> {
  const result = await provider.check()
  if (result.ok) return
  throw new UserError(result.code, result.message, { hint: result.hint })
}

async function openInTime(
  { provider }: TunnelEntry,
  context: TunnelContext,
  hurry: AbortSignal,
): Promise<Tunnel> {
  const { target, clock, signal } = context
  let opening: Promise<Tunnel> | undefined
  const open = (inTime: AbortSignal) => {
    opening = provider.open(target, { signal: inTime })
    return opening
  }
  try {
    const either = AbortSignal.any([signal, hurry])
    return await withDeadline(open, { clock, ms: openMs, signal: either })
  } catch (error) {
    // An aborted open needs a moment to end its client; one that opened all the same is closed.
    await inTimeOrLogged(async () => (await opening?.catch(() => undefined))?.close(), context)
    throw error
  }
}

async function prove(
  { entry, tunnel }: { entry: TunnelEntry; tunnel: Tunnel },
  context: TunnelContext,
): Promise<OpenResult> {
  const { edge, signal, tell } = context
  const provider = entry.provider.name
  const publicUrl = tunnel.publicUrl.origin
  const shutOut = context.admit(publicUrl)
  const drop = () => inTimeOrLogged(() => tunnel.close(), context).finally(shutOut)
  tell({ state: 'proving', provider, publicUrl })
  const ended = new AbortController()
  void tunnel.ended.then(({ detail }) => ended.abort(new TunnelEndedError(detail)))
  try {
    const result = await edge.probe(publicUrl, {
      skipInterstitialHeader: entry.traits.skipInterstitialHeader,
      signal: AbortSignal.any([signal, ended.signal]),
      onProgress: (detail) => tell({ state: 'proving', provider, publicUrl, detail }),
    })
    if (result.ok) {
      return { ok: true, opened: { entry, tunnel, publicUrl, verdict: result.verdict, drop } }
    }
    await drop()
    return { ok: false, failure: unproven({ provider, publicUrl }, result.reason) }
  } catch (error) {
    await drop()
    if (!(error instanceof TunnelEndedError)) throw error
    return { ok: false, failure: { provider, code: 'TUNNEL_CLIENT_ENDED', message: error.message } }
  }
}

class TunnelEndedError extends Error {
  override readonly name = 'TunnelEndedError'
}

async function inTimeOrLogged(
  end: () => Promise<void>,
  { clock, logger }: TunnelContext,
): Promise<void> {
  try {
    const never = new AbortController().signal
    await withDeadline(end, { clock, ms: closeMs, signal: never })
  } catch (error) {
    logger.error('closing a tunnel failed', { error: messageOf(error) })
  }
}

function unproven(
  { provider, publicUrl }: { provider: string; publicUrl: string },
  reason: string,
): OpenFailure {
  return {
    provider,
    code: 'ADDRESS_UNPROVEN',
    message: `The tunnel opened, but ${publicUrl} does not lead here: ${reason}.`,
    hint: 'Try again in a minute, or choose another provider with --tunnel.',
  }
}

type OrderResult =
  | { readonly ok: true; readonly opened: ProvenTunnel }
  | { readonly ok: false; readonly failures: readonly OpenFailure[] }

/** Tries providers one after the other until an address is proven, telling what each failed one said. */
export async function openInOrder(
  entries: readonly TunnelEntry[],
  context: TunnelContext,
): Promise<OrderResult> {
  const failures: OpenFailure[] = []
  const unhurried = new AbortController().signal
  for (const entry of entries) {
    const result = await openProven(entry, context, unhurried)
    if (result.ok) return result
    context.tell({ state: 'failed', provider: entry.provider.name, failure: result.failure })
    failures.push(result.failure)
  }
  return { ok: false, failures }
}

/** How often a machine without network looks whether there is one, ms. */
const offlineMs = 5_000

/**
 * Opens the first tunnel, however long it takes until one can be opened: after a round in which none
 * could, it waits for a change of the surroundings. @throws the signal's reason
 */
export async function openFirst(context: TunnelContext): Promise<ProvenTunnel> {
  const { entries, named, isOnline, signal } = context
  for (;;) {
    const worthTrying = entries.length > 0 && (named || (await isOnline(signal)))
    const result = worthTrying ? await openInOrder(entries, context) : noRound
    if (result.ok) return result.opened
    context.goLocal(whyLocal(worthTrying, entries), result.failures)
    await untilWorthAnotherRound(context)
  }
}

const noRound = { ok: false, failures: [] } as const

async function untilWorthAnotherRound({
  entries,
  alarm,
  isOnline,
  signal,
}: TunnelContext): Promise<void> {
  const mayComeBack = entries.length > 0 && !(await isOnline(signal))
  while (!(await alarm.wait(offlineMs, signal))) {
    if (mayComeBack && (await isOnline(signal))) return
  }
}

function whyLocal(tried: boolean, entries: readonly TunnelEntry[]): string {
  if (entries.length === 0) return 'No tunnel was asked for.'
  return tried
    ? 'No tunnel could be opened, so only local addresses are served.'
    : 'There is no network, so only local addresses are served; a tunnel is opened once there is.'
}
