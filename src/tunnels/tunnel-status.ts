import type { OpenFailure } from './open-failure.ts'
import type { ProbeVerdict } from './probe-verdict.ts'
import type { ServerPolicy } from './server-policy.ts'
import type { TunnelTraits } from './tunnel-provider.ts'

/** What the supervisor is at. */
export type TunnelStatus =
  /** `detail` says what is waited for, such as a name that does not exist yet. */
  | { readonly state: 'opening'; readonly provider: string; readonly detail?: string }
  | {
      readonly state: 'proving'
      readonly provider: string
      readonly publicUrl: string
      readonly detail?: string
    }
  | {
      readonly state: 'up'
      readonly provider: string
      readonly publicUrl: string
      readonly probe: ProbeVerdict
      readonly policy: ServerPolicy
      readonly traits: TunnelTraits
    }
  /** Opening did not work; the next provider follows, or the end of the order. */
  | { readonly state: 'failed'; readonly provider: string; readonly failure: OpenFailure }
  /** It worked and no longer does; it is opened again after `retryInMs`. */
  | {
      readonly state: 'lost'
      readonly provider: string
      readonly publicUrl: string
      readonly failure: OpenFailure
      readonly retryInMs: number
    }
  /** No tunnel: local addresses only. `reason` is a sentence; `failures` say it per provider. */
  | {
      readonly state: 'local'
      readonly reason: string
      readonly failures: readonly OpenFailure[]
    }
  | { readonly state: 'closed' }

/** The same for `--json`. */
export interface TunnelEvent {
  readonly event: 'tunnel'
  /** `local` when there is none. */
  readonly provider: string
  readonly state: Exclude<TunnelStatus['state'], 'closed'>
  readonly publicUrl?: string
  readonly probe?: ProbeVerdict
  readonly retryInMs?: number
  readonly code?: string
  readonly message?: string
  readonly hint?: string
}

/** The event of a status; none when the supervisor was closed by us. */
export function tunnelEvent(status: TunnelStatus): TunnelEvent | undefined {
  switch (status.state) {
    case 'opening': {
      const { state, provider, detail } = status
      return { event: 'tunnel', provider, state, ...(detail && { message: detail }) }
    }
    case 'proving': {
      const { state, provider, publicUrl, detail } = status
      return { event: 'tunnel', provider, state, publicUrl, ...(detail && { message: detail }) }
    }
    case 'up': {
      const { state, provider, publicUrl, probe } = status
      return { event: 'tunnel', provider, state, publicUrl, probe }
    }
    case 'failed':
      return { event: 'tunnel', state: status.state, ...status.failure }
    case 'lost': {
      const { state, publicUrl, retryInMs, failure } = status
      return { event: 'tunnel', state, publicUrl, retryInMs, ...failure }
    }
    case 'local':
      return { event: 'tunnel', provider: 'local', state: 'local', message: status.reason }
    case 'closed':
      return undefined
  }
}
