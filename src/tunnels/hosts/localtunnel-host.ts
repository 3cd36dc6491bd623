import { setDefaultResultOrder } from 'node:dns'
import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { type HostEvent, serveClientHost } from './host-channel.ts'
import { openLocalBridge } from './local-bridge.ts'

export interface LocaltunnelSettings {
  readonly host: string
  readonly subdomain: string | undefined
  readonly target: { readonly host: string; readonly port: number }
  /** Longest time one try to register may take, ms. */
  readonly registerMs: number
  /** How long most of the sockets may be gone before the tunnel counts as lost, ms. */
  readonly thinMs: number
}

interface Registration extends EventEmitter {
  readonly url: string
  readonly clientId: string
  readonly tunnelCluster: Cluster
}

interface Cluster extends EventEmitter {
  readonly opts: { readonly max_conn: number }
}

interface Axios {
  readonly defaults: { proxy: boolean; timeout: number }
  readonly interceptors: {
    readonly response: {
      use(done: undefined, failed: (error: AxiosFailure) => Promise<never>): void
    }
  }
}

type AxiosFailure = Error & { code?: string; response?: { status: number } }

const require = createRequire(import.meta.url)

serveClientHost<LocaltunnelSettings>(async (settings, tell) => {
  // The client connects to `localhost`, which must not be somebody else's port on ::1.
  setDefaultResultOrder('ipv4first')
  const port = await openLocalBridge(settings.target)
  hearFailedRegistrations(settings.registerMs, tell)
  const { host, subdomain } = settings
  const tunnel = openTunnel({ host, subdomain, port }, (error) => {
    // Thrown, it would count as one more failure to register, and be tried again.
    if (error) return tell({ type: 'failed', message: error.message })
    watchSockets(tunnel.tunnelCluster, {
      thinMs: settings.thinMs,
      onEnough: () => tell({ type: 'url', url: tunnel.url, name: tunnel.clientId }),
      onThin: (count) => tell({ type: 'lost', detail: `only ${count} connections are left` }),
    })
  })
  // Once for each socket: the data port is gone for good, and the client will not register again.
  tunnel.on('error', (error: Error) => tell({ type: 'lost', detail: error.message }))
})

/** Only the form with a callback hands the tunnel out, and its `error` events, from the start. */
function openTunnel(
  options: { host: string; subdomain: string | undefined; port: number },
  done: (error: Error | null) => void,
): Registration {
  const localtunnel = require('localtunnel') as (
    options: object,
    done: (error: Error | null) => void,
  ) => Registration
  return localtunnel(options, done)
}

/**
 * The client swallows every failure to register and tries again each second, for ever. Its HTTP
 * library tells: a refusal ends it, while an error of the server (5xx) may pass.
 */
function hearFailedRegistrations(timeoutMs: number, tell: (event: HostEvent) => void): void {
  const axios = createRequire(require.resolve('localtunnel'))('axios') as Axios
  axios.defaults.proxy = false
  axios.defaults.timeout = timeoutMs
  axios.interceptors.response.use(undefined, (error) => {
    const status = error.response?.status
    if (status === undefined || status < 500) {
      const code = status === undefined ? error.code : `HTTP ${status}`
      tell({ type: 'failed', message: error.message, code })
    }
    return Promise.reject(error)
  })
}

/** After a sleep or a change of network the sockets vanish without any event but their own. */
function watchSockets(
  cluster: Cluster,
  on: { thinMs: number; onEnough: () => void; onThin: (count: string) => void },
): void {
  const wanted = cluster.opts.max_conn
  let open = 0
  let timer: NodeJS.Timeout | undefined
  let announced = false
  function count(change: number): void {
    open += change
    if (open * 2 >= wanted) {
      clearTimeout(timer)
      timer = undefined
      if (!announced) on.onEnough()
      announced = true
    } else timer ??= setTimeout(() => on.onThin(`${open} of ${wanted}`), on.thinMs)
  }
  cluster.on('open', () => count(1))
  cluster.on('dead', () => count(-1))
  count(0)
}
