import type { GatewayEvent } from '../gateway-events.ts'
import type { Listener } from '../http/listener.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'

/** What was found out while certificate and ports were opened, and is worth a warning. */
export function* startWarnings(
  certificate: LocalCertificate | undefined,
  listeners: readonly Listener[],
): Iterable<GatewayEvent> {
  for (const { code, message, hint } of certificate?.current().warnings ?? []) {
    yield { event: 'warning', code, message, ...(hint !== undefined && { hint }) }
  }
  for (const { port, movedFrom } of listeners) {
    if (movedFrom === undefined) continue
    yield {
      event: 'warning',
      code: 'PORT_IN_USE',
      message: `Port ${movedFrom} is taken, so ${port} is used.`,
      hint: 'With --strict-port a taken port is an error instead.',
    }
  }
}
