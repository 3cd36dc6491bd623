import type { HttpServerConfig } from '../../config/resolved-config.ts'

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** A server that answers nobody before its owner has logged in. */
export interface PendingLogin {
  /** Where to log in. */
  readonly loginUrl: string
  /** A sentence that says so, with the address. */
  readonly message: string
}

/** What upstreams need of the OAuth client; the gateway hands it in. */
export interface UpstreamAuth {
  /** Puts the server's access token on its requests, and renews it where it is refused. */
  authorize(server: HttpServerConfig, fetch: Fetch): Fetch
  /** The token that `authorize` would put on a request now, renewed if need be. */
  accessToken(server: HttpServerConfig): Promise<string | undefined>
  pendingLogin(server: string): Promise<PendingLogin | undefined>
}
