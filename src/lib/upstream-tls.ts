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
