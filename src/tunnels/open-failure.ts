import { messageOf, UserError, type UserErrorCode } from '../errors.ts'

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
