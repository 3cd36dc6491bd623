import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { KnownOrigins } from '../../origin/known-origins.ts'
import type { Check } from './checks.ts'

/** For what concerns the owner alone: the listener decides, so no tunnel leads here. */
export function localOnly({ exposureOf }: Pick<KnownOrigins, 'exposureOf'>): Check {
  return (c) =>
    exposureOf(c.env.listener) === 'loopback'
      ? undefined
      : rpcErrorResponse(403, 'This is answered on the machine of the gateway only.')
}
