import { type TunnelErrorCode, UserError } from '../../errors.ts'
import { wait } from '../../lib/clock.ts'
import { addressOf } from '../client-tunnel.ts'
import { openHostedTunnel } from '../hosted-tunnel.ts'
import type { LocaltunnelSettings } from '../hosts/localtunnel-host.ts'
import type {
  Tunnel,
  TunnelDependencies,
  TunnelProvider,
  TunnelTraits,
} from '../tunnel-provider.ts'

const provider = 'localtunnel'
/** The server keeps a name for a second after its client has left: it may still be our own. */
const forgetMs = 1_300

export interface LocaltunnelOptions {
  /** Origin of the localtunnel server. */
  readonly host: URL
  /** The name to ask for. */
  readonly subdomain: string | undefined
  /** Takes another name than the one asked for, which the server gives when that is in use. */
  readonly anySubdomain: boolean
  /** Longest time until the address is known, ms. */
  readonly timeoutMs?: number
}

export const traits: TunnelTraits = {
  skipInterstitialHeader: 'bypass-tunnel-reminder',
  interstitialAdvice:
    'Browsers meet a page that asks for a password, once a week: the public address of this machine, which https://loca.lt/mytunnelpassword tells. API clients are not affected.',
  // The client holds ten sockets, and each open stream takes one; two stay for calls.
  maxHeldStreams: 8,
  clientAddress: { header: 'x-forwarded-for', take: 'last' },
  encryptedLeg: false,
}

/** The `localtunnel` package in a process of its own. Needs no account; its leg is plain TCP. */
export function createTunnelProvider(
  options: LocaltunnelOptions,
  dependencies: TunnelDependencies,
): TunnelProvider {
  const { host, subdomain, anySubdomain, timeoutMs = 10_000 } = options
  const mustHaveName = subdomain !== undefined && !anySubdomain
  /** The name of the tunnel before, which clients know by now. */
  let granted: string | undefined

  function open(
    target: URL,
    { insist, signal }: { insist: boolean; signal: AbortSignal },
  ): Promise<Tunnel> {
    const wanted = granted ?? subdomain
    const settings: LocaltunnelSettings = {
      host: host.origin,
      subdomain: wanted,
      target: addressOf(target),
      registerMs: timeoutMs / 2,
      thinMs: 3_000,
    }
    return openHostedTunnel(
      {
        provider,
        program: 'localtunnel-host.ts',
        settings,
        secrets: [],
        timeoutMs,
        explainTimeout: () => silent(host),
        refuseName(name) {
          if (insist && wanted !== undefined && name !== wanted) return nameNotGranted(wanted, name)
          granted = name
          return undefined
        },
      },
      dependencies,
      { signal },
    )
  }

  return {
    name: provider,
    check: async () => ({ ok: true }),
    open: async (target, { signal }) => {
      const insist = mustHaveName || granted !== undefined
      try {
        return await open(target, { insist, signal }).catch(async (error) => {
          if (!hasCode(error, 'TUNNEL_NAME_TAKEN')) throw error
          await wait(forgetMs, signal)
          return open(target, { insist: mustHaveName, signal })
        })
      } catch (error) {
        // The next attempt must not fail for a name that nobody asked for.
        if (hasCode(error, 'TUNNEL_NAME_TAKEN', 'TUNNEL_NAME_REFUSED')) granted = undefined
        throw error
      }
    },
  }
}

function hasCode(error: unknown, ...codes: TunnelErrorCode[]): boolean {
  return error instanceof UserError && codes.some((code) => code === error.code)
}

function silent(host: URL): UserError {
  return new UserError('TUNNEL_SILENT', `${host.origin} gave out no tunnel in time.`, {
    hint: 'Try again later, set LOCALTUNNEL_HOST, or choose another provider with TUNNEL.',
  })
}

function nameNotGranted(wanted: string, granted: string | undefined): UserError {
  return new UserError(
    'TUNNEL_NAME_TAKEN',
    `localtunnel gave out the name ${JSON.stringify(granted)} instead of "${wanted}", which is in use.`,
    { hint: 'Choose another LOCALTUNNEL_SUBDOMAIN, or take what comes with --any-subdomain.' },
  )
}
