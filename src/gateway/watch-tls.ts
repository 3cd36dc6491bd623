import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { systemClock } from '../lib/clock.ts'
import { createRefusalWarner, greetingOf } from '../tls/client-refusal.ts'
import { createDebugSsl } from '../tls/debug-ssl.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'
import type { HandshakeObserver } from '../tls/served-certificate.ts'

/** Tells of clients that refuse our certificate, and with `debugSsl` of every TLS connection. */
export function watchTls(options: {
  config: Pick<ResolvedConfig, 'debugSsl'>
  /** Undefined without local HTTPS. */
  certificate: LocalCertificate | undefined
  onEvent: (event: GatewayEvent) => void
  write: (block: string) => void
}): HandshakeObserver & { close(): void } {
  const { config, certificate, onEvent, write } = options
  const authority = () => certificate?.current().caCertPem
  const debug = config.debugSsl ? createDebugSsl({ authority, write }) : undefined
  const warningOf = createRefusalWarner({
    now: systemClock.now,
    shown: () => ({
      names: certificate?.current().names ?? [],
      caFile: certificate?.caFile,
      isConstrained: certificate?.current().forAddresses !== undefined,
    }),
  })
  return {
    accepted: (socket) => debug?.accepted(socket),
    failed(error, socket) {
      debug?.failed(error, socket)
      const warning = warningOf(error, greetingOf(socket))
      if (warning) onEvent({ event: 'warning', ...warning })
    },
    close: () => debug?.close(),
  }
}
