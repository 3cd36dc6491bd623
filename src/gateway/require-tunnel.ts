import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import { localChoice } from '../tunnels/select-order.ts'
import type { TunnelSupervisor } from '../tunnels/supervisor.ts'
import { tunnelOrder } from './open-tunnels.ts'

/**
 * Without a tunnel local HTTPS goes on, unless the user asked for a tunnel and nothing else.
 * @throws UserError with the code of what the last provider failed by
 */
export function requireTunnel(
  config: ResolvedConfig,
  status: Awaited<ReturnType<TunnelSupervisor['start']>>,
): void {
  if (status.state !== 'local' || tunnelOrder(config).at(-1) === localChoice) return
  const failure = status.failures.at(-1)
  throw new UserError(failure?.code ?? 'TUNNEL_UNREACHABLE', failure?.message ?? status.reason, {
    hint: `${failure?.hint ?? 'Try another provider.'} With "local" at the end of --tunnel, local HTTPS is used instead.`,
  })
}
