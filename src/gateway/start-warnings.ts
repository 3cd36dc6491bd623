import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import type { Listener } from '../http/listener.ts'
import { decideAuth, describeCaution } from '../oauth/policy.ts'
import { type Exposure, exposureOfHost } from '../origin/exposure.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'
import { listenedOn, type NetworkInterfaces, outsideAddresses } from '../tls/local-names.ts'

/** Whether the configuration asks for a tunnel, however far it gets. */
export function wantsTunnel({ tunnels }: ResolvedConfig): boolean {
  return tunnels.order[0] !== 'local'
}

/** What to warn of at every start: profiles that strangers could use, or that are not as configured. */
export function* cautions(config: ResolvedConfig, file: GatewayFile): Iterable<GatewayEvent> {
  const exposure = widestExposure(config)
  for (const { name, auth } of Object.values(file.profiles)) {
    const { allowAnonymous } = config.tunnels
    const { caution } = decideAuth({ exposure, configured: auth, allowAnonymous })
    if (!caution) continue
    const code = caution === 'anonymous' ? 'ANONYMOUS' : 'AUTH_OVERRULED'
    yield { event: 'warning', code, ...describeCaution(name, caution) }
  }
  yield* tlsCautions(file)
}

/** The same of an edited file, as far as it is news. */
export function* newTlsCautions(before: GatewayFile, after: GatewayFile): Iterable<GatewayEvent> {
  const known = new Set([...tlsCautions(before)].map((caution) => JSON.stringify(caution)))
  for (const caution of tlsCautions(after)) if (!known.has(JSON.stringify(caution))) yield caution
}

/** Servers whose certificate is not checked. */
function* tlsCautions({ servers }: Pick<GatewayFile, 'servers'>): Iterable<GatewayEvent> {
  for (const server of Object.values(servers)) {
    if (server.type === 'stdio' || !server.tls.insecureSkipVerify) continue
    if (!server.url.startsWith('https:')) continue
    yield {
      event: 'warning',
      code: 'TLS_NOT_VERIFIED',
      message: `The certificate of server "${server.name}" is not checked ("insecureSkipVerify"): whoever answers at ${new URL(server.url).host} is taken for it.`,
      hint: `\`pnpm sallyport ca add ${server.name} <file>\` trusts its authority instead. The server is not connected to while the gateway can be reached from beyond this machine.`,
    }
  }
}

function widestExposure(config: ResolvedConfig): Exposure {
  if (config.appUrl !== undefined || wantsTunnel(config)) return 'public'
  return exposureOfHost(config.listen.host)
}

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
