import type { Socket } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext, TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import { UserError } from '../../errors.ts'
import type {
  ConnectorOptions,
  ReadUpstreamTls,
  UpstreamConnections,
  UpstreamTls,
} from '../../lib/upstream-connections.ts'
import { addCommand, explainTlsFailure } from './tls-failures.ts'

/** Opens connections that trust the built-in roots and the server's own bundle, and nothing more. */
export function createUpstreamConnections(options: {
  readonly read: ReadUpstreamTls
  /** The servers reached over HTTP, as configured now. */
  readonly server: (
    name: string,
  ) => { readonly url: string; readonly tls: { readonly insecureSkipVerify: boolean } } | undefined
  /** Whether anybody beyond this machine may reach us now. */
  readonly isExposed: () => boolean
}): UpstreamConnections {
  const contextFor = rememberContexts()
  /** Servers and hosts that asked for a client certificate when they were last connected to. */
  const asking = new Set<string>()

  function noteDemand(place: string, socket: Socket | null): void {
    // A client knows common signature algorithms only when it was asked for a certificate.
    const wasAsked = socket instanceof TLSSocket && socket.getSharedSigalgs().length > 0
    if (wasAsked) asking.add(place)
    else asking.delete(place)
  }

  /** @throws UserError CA_BUNDLE_REFUSED or TLS_NOT_VERIFIED */
  async function secureConnector(
    name: string,
    { hostname }: buildConnector.Options,
    base: buildConnector.BuildOptions,
  ): Promise<buildConnector.connector> {
    const server = options.server(name)
    const verification = decideVerification({
      insecureSkipVerify: server?.tls.insecureSkipVerify ?? false,
      isOwnHost: server !== undefined && new URL(server.url).hostname === hostname,
      isExposed: options.isExposed(),
    })
    if (verification === 'refuse') throw notVerified(name)
    const tls = await options.read(name)
    // One for each connection, as it keeps sessions: a resumed one would carry earlier trust on.
    return buildConnector({
      ...base,
      ...(tls && { secureContext: contextFor(name, tls) }),
      ...(verification === 'skip' && { rejectUnauthorized: false }),
    })
  }

  return {
    connector(name, { timeoutMs, lookup }: ConnectorOptions) {
      const base = { timeout: timeoutMs, ...(lookup && { lookup }) }
      const plain = buildConnector(base)
      return (target, callback) => {
        if (target.protocol !== 'https:') return plain(target, callback)
        secureConnector(name, target, base).then(
          (connect) =>
            connect(target, (...result) => {
              noteDemand(placeOf(name, target.hostname), result[1])
              callback(...result)
            }),
          (error: Error) => callback(error, null),
        )
      }
    },
    explain(server, failure, url) {
      const wasAsked = asking.has(placeOf(server, url.hostname))
      return explainTlsFailure(failure, { server, url, wasAsked }) ?? failure
    },
  }
}

function placeOf(server: string, hostname: string): string {
  return JSON.stringify([server, hostname])
}

/** Parsing the built-in roots takes milliseconds, so a context is kept while its bundle stays. */
function rememberContexts(): (server: string, tls: UpstreamTls) => SecureContext {
  const kept = new Map<string, { key: string; context: SecureContext }>()
  return (server, tls) => {
    const key = JSON.stringify(tls)
    const known = kept.get(server)
    if (known?.key === key) return known.context
    const context = createSecureContext({
      // `ca` replaces what Node trusts by itself: the bundled roots, and NODE_EXTRA_CA_CERTS.
      ca: [...getCACertificates('default'), ...tls.ca],
      ...tls.clientCertificate,
    })
    kept.set(server, { key, context })
    return context
  }
}

function notVerified(server: string): UserError {
  return new UserError(
    'TLS_NOT_VERIFIED',
    `The server ${JSON.stringify(server)} is not connected to: its certificate would not be checked ("insecureSkipVerify"), and the gateway can be reached from beyond this machine.`,
    {
      hint: `Trust its authority with \`${addCommand(server)}\` and remove "insecureSkipVerify", or start with \`--tunnel local\`.`,
    },
  )
}

/**
 * Whether the certificate of the other side is checked. It is, unless the server's configuration says
 * otherwise; and that counts for the server's own host only, and only while nobody beyond this
 * machine can use what a false server would be told. `refuse`: nobody is connected to rather than somebody
 * unknown.
 * @internal
 */
export function decideVerification(facts: {
  insecureSkipVerify: boolean
  /** Not one of an authorization server elsewhere. */
  isOwnHost: boolean
  /** A tunnel, or a listener beyond loopback, leads here. */
  isExposed: boolean
}): 'verify' | 'skip' | 'refuse' {
  if (!facts.insecureSkipVerify || !facts.isOwnHost) return 'verify'
  return facts.isExposed ? 'refuse' : 'skip'
}
