import type { OpenFailure } from './open-failure.ts'
import { openInOrder } from './open-in-order.ts'
import type { ProvenTunnel, TunnelEntry } from './open-proven.ts'
import type { ReopenContext } from './reopen-tunnel.ts'

/** How often a machine without network looks whether there is one, ms. */
const offlineMs = 5_000

export interface OpenFirstContext extends ReopenContext {
  readonly entries: readonly TunnelEntry[]
  /** The user named what to try, so it is tried whatever the network looks like. */
  readonly named: boolean
  readonly goLocal: (reason: string, failures: readonly OpenFailure[]) => void
}

/**
 * Opens the first tunnel, however long it takes until one can be opened: after a round in which none
 * could, it waits for a change of the surroundings. @throws the signal's reason
 */
export async function openFirst(context: OpenFirstContext): Promise<ProvenTunnel> {
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
}: OpenFirstContext): Promise<void> {
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
