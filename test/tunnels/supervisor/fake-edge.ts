import type { ProbeResult } from '../../../src/tunnels/probe.ts'
import type { ProbeVerdict } from '../../../src/tunnels/probe-verdict.ts'
import type { EdgeView, Health, TunnelEdge } from '../../../src/tunnels/tunnel-edge.ts'

/** An edge as far as the supervisor sees it; a test changes its fields while it runs. */
export interface FakeEdge extends TunnelEdge {
  probeResult: ProbeResult
  health: Health
  /** How the public address looks while the tunnel is down. */
  address: EdgeView
  /** How each provider's service looks, by host name; `answering` unless set. */
  readonly services: Map<string, EdgeView>
  readonly checks: () => number
  /** Health lines that are open. */
  readonly lines: () => number
  /** Ends the health line's connection, as an edge that restarts does. */
  drop(): void
}

export const goodVerdict: ProbeVerdict = {
  roundTripMs: 20,
  post: { state: 'live', firstByteMs: 21 },
  get: { state: 'live', firstByteMs: 22 },
  interstitial: { state: 'none' },
  tookMs: 60,
}

export function createFakeEdge(): FakeEdge {
  let checks = 0
  const lines = new Set<() => void>()
  const edge: FakeEdge = {
    probeResult: { ok: true, verdict: goodVerdict },
    health: { ok: true },
    address: 'answering',
    services: new Map(),
    checks: () => checks,
    lines: () => lines.size,
    drop() {
      for (const onDropped of lines) onDropped()
    },
    probe: async () => edge.probeResult,
    openHealthLine(_origin, { onDropped }) {
      lines.add(onDropped)
      return {
        async check() {
          checks += 1
          return edge.health
        },
        async close() {
          lines.delete(onDropped)
        },
      }
    },
    look: async ({ publicUrl, service }) =>
      worstOf([
        ...(publicUrl === undefined ? [] : [edge.address]),
        ...(service === undefined ? [] : [edge.services.get(service.hostname) ?? 'answering']),
      ]),
  }
  return edge
}

function worstOf(views: readonly EdgeView[]): EdgeView {
  return (['silent', 'failing'] as const).find((view) => views.includes(view)) ?? 'answering'
}
