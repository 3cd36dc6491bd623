import { readFile } from 'node:fs/promises'
import { messageOf, UserError } from '../../errors.ts'
import { addressOf } from '../client-tunnel.ts'
import { openHostedTunnel } from '../hosted-tunnel.ts'
import type { NgrokSettings } from '../hosts/ngrok-host.ts'
import { toUserError, whereToken } from '../tunnel-failures.ts'
import type {
  CheckResult,
  TunnelDependencies,
  TunnelFailure,
  TunnelProvider,
  TunnelTraits,
} from '../tunnel-provider.ts'

const provider = 'ngrok'

export interface NgrokOptions {
  readonly authtoken: string | undefined
  /** Host name of the endpoint; a scheme in front of it is ignored. */
  readonly domain: string | undefined
  /** `host:port` of another edge than ngrok's own. */
  readonly serverAddr: string | undefined
  /** PEM file of the authority that edge's certificate comes from. */
  readonly caCertFile: string | undefined
  /** Longest time until the address is known, ms. */
  readonly timeoutMs?: number
  /** Time between heartbeats, and how late an answer may be, s. */
  readonly heartbeatSeconds?: number
}

export const traits: TunnelTraits = {
  skipInterstitialHeader: 'ngrok-skip-browser-warning',
  interstitialAdvice:
    'On the free plan browsers meet a warning once a week and go on with "Visit Site"; a request with the header ngrok-skip-browser-warning does not. API clients are not affected.',
  maxHeldStreams: 1_000,
  clientAddress: { header: 'x-forwarded-for', take: 'last' },
  encryptedLeg: true,
}

/** The `@ngrok/ngrok` package in a process of its own. Needs an authtoken. */
export function createTunnelProvider(
  options: NgrokOptions,
  dependencies: TunnelDependencies,
): TunnelProvider {
  const { timeoutMs = 15_000, heartbeatSeconds = 5 } = options
  const authtoken = options.authtoken?.trim() ?? ''
  return {
    name: provider,
    check: () => check(options),
    open: async (target, { signal }) => {
      const { host, port } = addressOf(target)
      const caCert = await readCaCert(options.caCertFile).catch((cause) => {
        throw toUserError(caUnreadable(cause))
      })
      const settings: NgrokSettings = {
        authtoken,
        domain: options.domain?.replace(/^\w+:\/\//, '').replace(/\/.*$/, ''),
        serverAddr: options.serverAddr,
        caCert,
        target: `http://${host}:${port}`,
        heartbeatSeconds,
        silentMs: heartbeatSeconds * 2_500,
      }
      const secrets = [authtoken]
      return openHostedTunnel(
        {
          provider,
          program: 'ngrok-host.ts',
          settings,
          secrets,
          timeoutMs,
          explainTimeout: silent,
        },
        dependencies,
        { signal },
      )
    },
  }
}

async function check(options: NgrokOptions): Promise<CheckResult> {
  if (!options.authtoken?.trim()) {
    const code = 'TUNNEL_AUTH_REQUIRED'
    const message = 'No authtoken of ngrok was given.'
    return { ok: false, configured: false, code, message, hint: whereToken }
  }
  try {
    await readCaCert(options.caCertFile)
    return { ok: true }
  } catch (cause) {
    return { ok: false, configured: true, ...caUnreadable(cause) }
  }
}

function readCaCert(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? Promise.resolve(undefined) : readFile(file, 'utf8')
}

function caUnreadable(cause: unknown): TunnelFailure {
  const message = `The file in NGROK_CA_CERT cannot be read: ${messageOf(cause)}.`
  const hint = 'Set NGROK_CA_CERT to a PEM file, or leave it empty.'
  return { code: 'TUNNEL_UNTRUSTED', message, hint }
}

function silent(): UserError {
  return new UserError('TUNNEL_SILENT', 'ngrok took the connection but did not answer in time.', {
    hint: 'Try again later, look at NGROK_SERVER_ADDR, or choose another provider with TUNNEL.',
  })
}
