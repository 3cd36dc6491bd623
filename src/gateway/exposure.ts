import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { exposureOf } from '../origin/listener-origins.ts'
import { mayOpenTunnel } from '../origin/may-serve.ts'
import { localChoice } from '../tunnels/select-order.ts'
import { tunnelOrder } from './open-tunnels.ts'

/** What may be reached from outside, decided once at the start. */
export interface ExposureDecision {
  /** Whether a tunnel is to be opened. */
  readonly tunnel: boolean
  /** Whether that is wanted but refused, when local HTTPS will not do. */
  readonly refused: { readonly message: string; readonly hint: string } | undefined
  readonly warnings: readonly GatewayEvent[]
}

/** Nothing is ever public and anonymous by accident: that takes --allow-anonymous, and a warning. */
export function decideExposure(
  config: ResolvedConfig,
  profiles: readonly string[],
): ExposureDecision {
  const { allowAnonymous } = config.tunnels
  const order = config.appUrl === undefined ? tunnelOrder(config) : [localChoice]
  const wantsTunnel = order[0] !== localChoice
  const isReachable = config.appUrl !== undefined || exposureOf(config.listen.host) !== 'loopback'
  if (!wantsTunnel && !isReachable) return { tunnel: false, refused: undefined, warnings: [] }

  const decision = mayOpenTunnel(
    profiles.map((name) => ({ name, auth: 'none' as const })),
    { allowAnonymous },
  )
  if (decision.ok) {
    const warnings = decision.warnings.map(
      (message): GatewayEvent => ({ event: 'warning', code: 'ANONYMOUS', message }),
    )
    return { tunnel: wantsTunnel, refused: undefined, warnings }
  }
  const { message, hint } = wantsTunnel
    ? decision
    : { ...decision, message: refusedListener(config) }
  const canStayLocal = !wantsTunnel || order.at(-1) === localChoice
  return canStayLocal
    ? {
        tunnel: false,
        refused: undefined,
        warnings: [{ event: 'warning', code: 'ANONYMOUS_REFUSED', message, hint }],
      }
    : { tunnel: false, refused: { message, hint }, warnings: [] }
}

function refusedListener({ appUrl, listen }: ResolvedConfig): string {
  return appUrl === undefined
    ? `HOST=${listen.host} lets other machines in, so every profile is refused there: without authentication anyone on the network could use your tools.`
    : `Whatever comes through ${appUrl} is refused: without authentication anyone on the internet could use your tools.`
}
