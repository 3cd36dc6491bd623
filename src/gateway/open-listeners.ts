import { networkInterfaces } from 'node:os'
import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import { type Listener, openListener } from '../http/listener.ts'
import { maxPerSource } from '../http/middleware/requests-in-flight.ts'
import type { Exposure } from '../origin/exposure.ts'
import { exposureOfHost, listenerOrigins } from '../origin/exposure.ts'
import {
  createKnownOrigins,
  type KnownOrigins,
  type ListenerOrigins,
} from '../origin/known-origins.ts'
import { localNames } from '../tls/configured-certificate.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'
import { lanAddresses } from '../tls/local-names.ts'
import type { HandshakeObserver } from '../tls/served-certificate.ts'
import { wantsTunnel } from './start-warnings.ts'

export interface OpenListeners {
  readonly all: readonly Listener[]
  /** The loopback port that tunnels lead to; undefined when none may be opened. */
  readonly tunnel: Listener | undefined
  close(): Promise<void>
}

/**
 * Opens plain HTTP, HTTPS when there is a certificate, and a loopback port for tunnels on request.
 * @throws UserError PORT_IN_USE or PORT_FORBIDDEN; what was opened before is closed again
 */
export async function openListeners(
  config: ResolvedConfig,
  options: {
    certificate: LocalCertificate | undefined
    handshakes: HandshakeObserver
  },
): Promise<OpenListeners> {
  const { host, httpPort, httpsPort, strictPort } = config.listen
  const { certificate, handshakes } = options
  const undo = new AsyncDisposableStack()
  const all: Listener[] = []
  const open = async (listen: Parameters<typeof openListener>[0]) => {
    const isOfNetwork =
      listen.name !== 'tunnel' && exposureOfListener(config, listen.name) === 'network'
    const bound = isOfNetwork ? { maxPerSource } : {}
    const listener = await openListener({ ...listen, ...bound })
    undo.defer(() => listener.close())
    all.push(listener)
    return listener
  }
  try {
    if (certificate) {
      await open({
        name: 'https',
        host,
        port: httpsPort,
        portSetting: 'HTTPS_PORT',
        strictPort,
        certificate: certificate.current(),
        handshakes,
      })
    }
    await open({ name: 'http', host, port: httpPort, portSetting: 'PORT', strictPort })
    const tunnel = wantsTunnel(config)
      ? await open({
          name: 'tunnel',
          host: '127.0.0.1',
          port: 0,
          portSetting: 'PORT',
          strictPort: true,
        })
      : undefined
    return { all, tunnel, close: () => undo.disposeAsync() }
  } catch (error) {
    await undo.disposeAsync()
    throw error
  }
}

/** Which origins those listeners serve, and who can reach each. */
export function describeOrigins(
  config: ResolvedConfig,
  listeners: readonly Listener[],
  file: () => GatewayFile,
): KnownOrigins {
  const { host: bindHost } = config.listen
  const reachable = { lan: lanAddresses(networkInterfaces()), localNames: localNames(file()) }
  const describe = ({ name, port, address: bound }: Listener): ListenerOrigins => {
    if (name === 'tunnel') return { name, scheme: 'http', exposure: 'public', origins: [] }
    const origins = listenerOrigins(name, { bindHost, bound, port }, reachable)
    return { name, scheme: name, exposure: exposureOfListener(config, name), origins }
  }
  return createKnownOrigins({
    listeners: listeners.map(describe),
    externalOrigin: config.appUrl,
    allowedHosts: () => file().allowedHosts,
    allowedOrigins: () => file().allowedOrigins,
  })
}

/** Whatever the user's own tunnel or proxy forwards arrives at plain HTTP, so that is public. */
function exposureOfListener(config: ResolvedConfig, name: 'http' | 'https'): Exposure {
  return name === 'http' && config.appUrl !== undefined
    ? 'public'
    : exposureOfHost(config.listen.host)
}
