import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import type { TunnelEvent } from '../gateway-events.ts'
import type { TunnelStatus } from '../tunnels/tunnel-status.ts'
import { describeFailure } from '../tunnels/tunnel-status.ts'

/** Whether the user asked for a tunnel and nothing else: without one there is no start. */
function isRequired({ tunnels }: ResolvedConfig): boolean {
  return tunnels.order.at(-1) !== 'local'
}

/**
 * Whether to tell an event of the first opening at once. Where a tunnel is required, the error of a
 * start that fails says all of it.
 */
export function isToldAtStart(config: ResolvedConfig, { state }: TunnelEvent): boolean {
  return !(isRequired(config) && (state === 'failed' || state === 'local'))
}

/**
 * Without a tunnel local HTTPS goes on, unless the user asked for a tunnel and nothing else.
 * @throws UserError with the code of what the last provider failed by
 */
export function requireTunnel(config: ResolvedConfig, status: TunnelStatus): void {
  if (status.state !== 'local' || !isRequired(config)) return
  const { failures } = status
  const last = failures.at(-1)
  const message =
    failures.length > 1
      ? ['No tunnel could be opened:', ...failures.map(describeFailure)].join('\n  ')
      : last?.message
  const cure = failures.length === 1 ? last?.hint : undefined
  const local = 'With "local" at the end of --tunnel, local HTTPS is used instead.'
  throw new UserError(last?.code ?? 'TUNNEL_UNREACHABLE', message ?? 'No tunnel could be opened.', {
    hint: cure === undefined ? local : `${cure} ${local}`,
  })
}
