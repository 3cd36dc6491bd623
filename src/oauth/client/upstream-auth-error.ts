import { UserError } from '../../errors.ts'
import { GuardedFetchError } from '../../lib/guarded-fetch.ts'

/** Stable names of what can go wrong between us and the authorization server of an upstream. */
export type UpstreamAuthFailure =
  | GuardedFetchError['failure']
  | 'no-metadata'
  | 'resource-mismatch'
  | 'issuer-mismatch'
  | 'issuer-changed'
  | 'pkce-unsupported'
  | 'no-client'
  | 'registration-refused'
  | 'client-refused'
  | 'key-invalid'
  | 'login-expired'
  | 'login-unknown'
  | 'other-browser'
  | 'link-expired'
  | 'denied'
  | 'code-refused'
  | 'grant-refused'
  | 'scope-refused'
  | 'server-unknown'

/** An expected failure of discovery, registration, login or refresh, in words for a person. */
export class UpstreamAuthError extends UserError {
  readonly failure: UpstreamAuthFailure

  constructor(
    failure: UpstreamAuthFailure,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super('UPSTREAM_UNAVAILABLE', message, options)
    this.failure = failure
  }
}

/** The same failure in the words of a login where the guarded fetch met it; else as it is. */
export function asUpstreamAuthError(error: unknown): unknown {
  if (!(error instanceof GuardedFetchError)) return error
  const { failure, message, hint, cause } = error
  return new UpstreamAuthError(failure, message, { cause, ...(hint !== undefined && { hint }) })
}

/** A call cannot go on until somebody has logged in to the server; carries the link to do so. */
export class LoginNeededError extends UserError {
  readonly server: string
  readonly loginUrl: string

  constructor(server: string, loginUrl: string) {
    super(
      'UPSTREAM_UNAVAILABLE',
      `The server ${JSON.stringify(server)} needs a login. Open ${loginUrl} in a browser, then try again.`,
      { hint: `Open ${loginUrl}` },
    )
    this.server = server
    this.loginUrl = loginUrl
  }
}
