import type { LookupFunction } from 'node:net'
import type { buildConnector } from 'undici'

/**
 * How connections on behalf of an upstream are opened: to the server itself, and to the authorization
 * servers it names. `tls/` knows how; `mcp/` and `oauth/` need it.
 */
export interface UpstreamConnections {
  /**
   * undici's `connect` for one server. What the server's bundle says is read for every new
   * connection, and for none that is open.
   */
  connector(server: string, options: ConnectorOptions): buildConnector.connector
  /** The same failure in words for a person where it is about TLS; else as it is. */
  explain(server: string, failure: unknown, url: URL): unknown
}

export interface ConnectorOptions {
  /** Longest time to establish a connection, ms. */
  readonly timeoutMs: number
  readonly lookup?: LookupFunction
}
