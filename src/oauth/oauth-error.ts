/** Error codes of RFC 6749, RFC 6750, RFC 7591 and RFC 8707 that this program sends. */
export type OAuthErrorCode =
  | 'access_denied'
  | 'insufficient_scope'
  | 'invalid_client_metadata'
  | 'invalid_redirect_uri'
  | 'invalid_request'
  | 'invalid_target'
  | 'invalid_token'
  | 'temporarily_unavailable'

/** A failure that goes on the wire: `description` is sent, `reason` is only logged. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly description: string
  readonly reason: string

  constructor(
    code: OAuthErrorCode,
    options: { description: string; reason?: string; cause?: unknown },
  ) {
    super(`${code}: ${options.reason ?? options.description}`, { cause: options.cause })
    this.code = code
    this.description = options.description
    this.reason = options.reason ?? options.description
  }
}
