import type { TunnelTraits } from './tunnel-provider.ts'

/** What a probe found out about a public address that was proven to lead here. */
export interface ProbeVerdict {
  /** Time a small request took, there and back, ms. */
  readonly roundTripMs: number
  /** An SSE answer to a POST, as MCP's calls get. */
  readonly post: StreamFinding
  /** An SSE answer to a GET, as MCP's listening streams are. */
  readonly get: StreamFinding
  readonly interstitial: InterstitialFinding
  /** Time from the address being known to this verdict, ms. */
  readonly tookMs: number
}

export type StreamFinding =
  | { readonly state: 'live'; readonly firstByteMs: number }
  /** The edge passes nothing on until the stream has ended. */
  | { readonly state: 'withheld' }
  | { readonly state: 'failed'; readonly reason: string }

export type InterstitialFinding =
  | { readonly state: 'none' }
  /** A browser gets a page of the edge's own. `skippedBy` is a request header that was seen to work. */
  | { readonly state: 'met'; readonly status: number; readonly skippedBy?: string }
  | { readonly state: 'unknown'; readonly reason: string }

/** How the server behaves towards clients that come through a tunnel. */
export interface ServerPolicy {
  /** `refused`: GET is answered 405, which MCP allows, instead of a stream nobody would hear. */
  readonly getStreams: 'served' | 'refused'
  /** Most streams held open at once. */
  readonly maxHeldStreams: number
}

/** What a verdict and the provider's nature mean for the server. */
export function serverPolicy(
  { get }: Pick<ProbeVerdict, 'get'>,
  { maxHeldStreams }: Pick<TunnelTraits, 'maxHeldStreams'>,
): ServerPolicy {
  return { getStreams: get.state === 'live' ? 'served' : 'refused', maxHeldStreams }
}

/** A verdict in one line, for the terminal. */
export function describeVerdict({ roundTripMs, post, get, interstitial }: ProbeVerdict): string {
  return [
    `round trip ${roundTripMs} ms`,
    `POST ${describeStream(post)}${post.state === 'live' ? '' : ', so what a call says comes with its result'}`,
    `GET ${describeStream(get)}${get.state === 'live' ? '' : ', so answered 405'}`,
    describeInterstitial(interstitial),
  ].join('; ')
}

function describeStream(finding: StreamFinding): string {
  switch (finding.state) {
    case 'live':
      return `streams in ${finding.firstByteMs} ms`
    case 'withheld':
      return 'streams are held back'
    case 'failed':
      return `streams fail (${finding.reason})`
  }
}

function describeInterstitial(finding: InterstitialFinding): string {
  switch (finding.state) {
    case 'none':
      return 'no warning page'
    case 'met':
      return finding.skippedBy
        ? `browsers meet a warning page (the header ${finding.skippedBy} skips it), API clients do not`
        : 'browsers meet a warning page, API clients do not'
    case 'unknown':
      return `whether browsers meet a warning page is not known (${finding.reason})`
  }
}
