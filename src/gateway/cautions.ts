import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { decideAuth, describeCaution } from '../oauth/policy.ts'
import type { Exposure } from '../origin/known-origins.ts'
import { exposureOf } from '../origin/listener-origins.ts'
import { localChoice } from '../tunnels/select-order.ts'
import { tunnelOrder } from './open-tunnels.ts'

/** Whether the configuration asks for a tunnel, however far it gets. */
export function wantsTunnel(config: ResolvedConfig): boolean {
  return config.appUrl === undefined && tunnelOrder(config)[0] !== localChoice
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
}

function widestExposure(config: ResolvedConfig): Exposure {
  if (config.appUrl !== undefined || wantsTunnel(config)) return 'public'
  return exposureOf(config.listen.host)
}
