import type { ProbeVerdict } from './probe-verdict.ts'
import type { TunnelTraits } from './tunnel-provider.ts'

/** How the server behaves towards clients that come through a tunnel. */
export interface ServerPolicy {
  /** `refused`: GET is answered 405, which MCP allows, instead of a stream nobody would hear. */
  readonly getStreams: 'served' | 'refused'
  /** `withheld`: what is sent before a call's result arrives together with it. */
  readonly postStreams: 'served' | 'withheld'
  /** Longest silence on an open stream, ms. */
  readonly heartbeatMs: number
  /** Most streams held open at once. */
  readonly maxHeldStreams: number
}

const usualHeartbeatMs = 25_000

/** What a verdict and the provider's nature mean for the server. */
export function serverPolicy(
  verdict: ProbeVerdict,
  traits: Pick<TunnelTraits, 'idleLimitMs' | 'maxHeldStreams'>,
): ServerPolicy {
  return {
    getStreams: verdict.get.state === 'live' ? 'served' : 'refused',
    postStreams: verdict.post.state === 'live' ? 'served' : 'withheld',
    // A third, so that one late heartbeat does not reach the limit.
    heartbeatMs: Math.min(usualHeartbeatMs, Math.floor(traits.idleLimitMs / 3)),
    maxHeldStreams: traits.maxHeldStreams,
  }
}
