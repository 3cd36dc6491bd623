/** Stable names of every failure a person can meet. Documentation and tests key on them. */
export type UserErrorCode =
  | 'CONFIG_NOT_FOUND'
  | 'CONFIG_INVALID'
  | 'ENV_INVALID'
  | 'APP_URL_INVALID'
  | 'APP_URL_UNREACHABLE'
  | 'ENV_FILE_UNWRITABLE'
  | 'HOME_UNWRITABLE'
  | 'STORE_UNUSABLE'
  | 'PORT_IN_USE'
  | 'PORT_FORBIDDEN'
  | 'ADDRESS_UNPROVEN'
  | 'CERTIFICATE_INVALID'
  | 'CERTIFICATE_UNWRITABLE'
  | 'CA_UNUSABLE'
  | 'CA_BUNDLE_REFUSED'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_UNTRUSTED'
  | 'TLS_NOT_VERIFIED'
  | 'ALREADY_RUNNING'
  | 'RECORDING_INVALID'
  | TunnelErrorCode
  | ClientErrorCode
  | 'USAGE'

/** What can go wrong with the configuration of an MCP client. */
type ClientErrorCode =
  | 'CLIENT_FILE_MALFORMED'
  | 'CLIENT_FILE_UNWRITABLE'
  | 'CLIENT_ENTRY_FOREIGN'
  | 'CLIENT_NEEDS_PUBLIC_ADDRESS'

/** What can go wrong with a tunnel; `src/tunnels/tunnel-failures.ts` says when, and how to fix it. */
export type TunnelErrorCode =
  | 'TUNNEL_FAILED'
  | 'TUNNEL_LOST'
  | 'TUNNEL_AUTH_REQUIRED'
  | 'TUNNEL_TOKEN_INVALID'
  | 'TUNNEL_ACCOUNT_BLOCKED'
  | 'TUNNEL_SESSION_LIMIT'
  | 'TUNNEL_ENDPOINT_LIMIT'
  | 'TUNNEL_RATE_LIMITED'
  | 'TUNNEL_NAME_TAKEN'
  | 'TUNNEL_NAME_REFUSED'
  | 'TUNNEL_ADDRESS_REFUSED'
  | 'TUNNEL_UNREACHABLE'
  | 'TUNNEL_SILENT'
  | 'TUNNEL_UNTRUSTED'
  | 'TUNNEL_UDP_BLOCKED'
  | 'TUNNEL_PROXY_REFUSED'
  | 'TUNNEL_OFFLINE'
  | 'TUNNEL_TARGET_REFUSED'
  | 'TUNNEL_CONFIG_HIJACKED'
  | 'TUNNEL_CLIENT_MISSING'
  | 'TUNNEL_CLIENT_OUTDATED'
  | 'TUNNEL_CLIENT_CHANGED'
  | 'TUNNEL_CLIENT_ENDED'
  | 'TUNNEL_INSTALL_FAILED'

/**
 * A failure that is expected and belongs to the person at the keyboard: what happened, why, and
 * (as `hint`) what to do. Printed without a stack. Anything else that is thrown is a bug.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly code: UserErrorCode
  readonly hint: string | undefined
  /** 2 for wrong usage or a wrong configuration, 1 for everything else. */
  readonly exitCode: 1 | 2

  constructor(
    code: UserErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; exitCode?: 1 | 2 } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? (usageCodes.has(code) ? 2 : 1)
  }
}

const usageCodes: ReadonlySet<UserErrorCode> = new Set([
  'CONFIG_NOT_FOUND',
  'CONFIG_INVALID',
  'ENV_INVALID',
  'APP_URL_INVALID',
  'USAGE',
])

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
