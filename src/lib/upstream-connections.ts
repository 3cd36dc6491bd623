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

/** What connections to one server trust and present, beyond what every connection does. */
export interface UpstreamTls {
  /** PEM of authorities, one certificate each; they add to the built-in roots. */
  readonly ca: readonly string[]
  /** PEM of the chain, leaf first, and of its key, for servers that ask who calls. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string }
}

/**
 * Reads what the server named `server` needs; undefined when it needs nothing of its own. Called for
 * every new connection, so that a change is followed and a broken signature refuses the next one.
 * @throws UserError CA_BUNDLE_REFUSED when what is stored does not carry a good signature of ours
 */
export type ReadUpstreamTls = (server: string) => Promise<UpstreamTls | undefined>
