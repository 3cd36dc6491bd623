import type { OpenFailure } from './open-failure.ts'
import { type OpenContext, openProven, type ProvenTunnel, type TunnelEntry } from './open-proven.ts'

export type OrderResult =
  | { readonly ok: true; readonly opened: ProvenTunnel }
  | { readonly ok: false; readonly failures: readonly OpenFailure[] }

/** Tries providers one after the other until an address is proven, telling what each failed one said. */
export async function openInOrder(
  entries: readonly TunnelEntry[],
  context: OpenContext,
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
