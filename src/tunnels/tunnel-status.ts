import { messageOf, UserError, type UserErrorCode } from '../errors.ts'
import type { TunnelEvent } from '../gateway-events.ts'
import { describeVerdict, type ProbeVerdict, type ServerPolicy } from './probe-verdict.ts'
import type { TunnelTraits } from './tunnel-provider.ts'

/** What the supervisor is at. */
export type TunnelStatus =
  | { readonly state: 'opening'; readonly provider: string }
  /** `detail` says what is waited for, such as a name that does not exist yet. */
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

/** Why a provider did not give a working address, or no longer does. */
export interface OpenFailure {
  readonly provider: string
  readonly code: UserErrorCode
  /** A sentence. */
  readonly message: string
  readonly hint?: string
}

/** The failure of a provider that rejected. */
export function failureOf(provider: string, error: unknown): OpenFailure {
  if (!(error instanceof UserError)) {
    return { provider, code: 'TUNNEL_FAILED', message: `It failed: ${messageOf(error)}.` }
  }
  const { code, message, hint } = error
  return { provider, code, message, ...(hint !== undefined && { hint }) }
}

/** What a provider said when it failed, in one line. */
export function describeFailure({ provider, message, hint }: OpenFailure): string {
  return `${provider}: ${[message, hint].filter(Boolean).join(' ')}`.replace(/\s+/g, ' ')
}

/** The event of a status; none when the supervisor was closed by us. */
export function tunnelEvent(status: TunnelStatus): TunnelEvent | undefined {
  switch (status.state) {
    case 'opening':
      return { event: 'tunnel', ...status }
    case 'proving': {
      const { detail, ...rest } = status
      return { event: 'tunnel', ...rest, ...(detail && { message: detail }) }
    }
    case 'up': {
      const { state, provider, publicUrl, probe } = status
      const advice = adviceOf(status)
      return {
        ...{ event: 'tunnel', provider, state, publicUrl, probe, summary: describeVerdict(probe) },
        ...(advice !== '' && { advice }),
      }
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

/** What a person should know of the provider. */
function adviceOf({ probe, traits }: Extract<TunnelStatus, { state: 'up' }>): string {
  const { interstitialAdvice, encryptedLeg } = traits
  return [
    probe.interstitial.state === 'met' ? interstitialAdvice : undefined,
    encryptedLeg === false
      ? 'The way between its server and this machine is not encrypted.'
      : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}
