import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import type { Listener } from '../http/listener.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'
import { listenedOn, type NetworkInterfaces, outsideAddresses } from '../tls/local-names.ts'

/** What was found out while certificate and ports were opened, and is worth a warning. */
export function* startWarnings(
  config: ResolvedConfig,
  {
    certificate,
    listeners,
    interfaces,
  }: {
    certificate: LocalCertificate | undefined
    listeners: readonly Listener[]
    interfaces: NetworkInterfaces
  },
): Iterable<GatewayEvent> {
  for (const { code, message, hint } of certificate?.current().warnings ?? []) {
    yield { event: 'warning', code, message, ...(hint !== undefined && { hint }) }
  }
  for (const { name, port, movedFrom } of listeners) {
    if (movedFrom === undefined) continue
    const isOurs = listeners.some((other) => other.name !== name && other.port === movedFrom)
    yield {
      event: 'warning',
      code: 'PORT_IN_USE',
      message: `Port ${movedFrom} is taken${isOurs ? ' by another listener of this gateway' : ''}, so ${port} is used.`,
      hint: isOurs
        ? 'PORT and HTTPS_PORT have to differ.'
        : 'With --strict-port a taken port is an error instead.',
    }
  }
  const { host } = config.listen
  const outside = outsideAddresses(listenedOn(host, interfaces))
  if (outside.length === 0) return
  yield {
    event: 'warning',
    code: 'ADDRESS_NOT_COVERED',
    message: `HOST ${host} listens on ${outside.join(', ')} as well, outside the private ranges: requests for it are refused, and our authority may not sign for it.`,
    hint: `Use a name, a private address or a tunnel. With a certificate of your own for it (SSL_CERT_PATH), add it to "allowedHosts" in ${config.configFile}.`,
  }
}
