import type { HttpServerConfig } from '../../config/resolved-config.ts'

/** A server that answers nobody before its owner has logged in. */
export interface PendingLogin {
  /** Where to log in. */
  readonly loginUrl: string
  /** A sentence that says so, with the address. */
  readonly message: string
}

/** What upstreams need of the OAuth client; the gateway hands it in. */
export interface UpstreamAuth {
  /** The token for the next request, renewed if need be; undefined to go without. */
  accessToken(server: HttpServerConfig): Promise<string | undefined>
  /**
   * Judges a 401, or a 403 `insufficient_scope`: `retry` when another token is there now.
   * @throws UserError when somebody has to log in first, or nothing can help
   */
  refused(
    server: HttpServerConfig,
    refusal: {
      status: number
      wwwAuthenticate: string | undefined
      accessToken: string | undefined
    },
  ): Promise<'retry' | 'give-up'>
  pendingLogin(server: string): Promise<PendingLogin | undefined>
}
