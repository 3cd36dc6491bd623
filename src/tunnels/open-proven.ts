import { messageOf, UserError } from '../errors.ts'
import { type Clock, withDeadline } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { failureOf, type OpenFailure } from './open-failure.ts'
import type { ProbeVerdict } from './probe-verdict.ts'
import type { TunnelEdge } from './tunnel-edge.ts'
import type { Tunnel, TunnelProvider, TunnelTraits } from './tunnel-provider.ts'
import type { TunnelStatus } from './tunnel-status.ts'

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

export interface OpenContext {
  readonly target: URL
  readonly edge: TunnelEdge
  readonly clock: Clock
  readonly logger: Logger
  /** Lets requests for an origin in; the returned function shuts it out again. */
  readonly admit: (origin: string) => () => void
  readonly tell: (status: TunnelStatus) => void
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
  context: OpenContext,
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
  context: OpenContext,
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
  context: OpenContext,
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
  { clock, logger }: OpenContext,
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
