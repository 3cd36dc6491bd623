import type { Logger } from '../../lib/logger.ts'
import { quoted } from '../../lib/printable.ts'
import { rpcErrorResponse } from '../../lib/rpc-error-response.ts'
import type { KnownOrigins } from '../../origin/known-origins.ts'
import type { Check } from './checks.ts'

/**
 * Refuses a Host that is not ours with 421 (RFC 9110 15.5.20): a page that rebinds its name to
 * this machine, or a tunnel that nobody told us about.
 */
export function hostGuard(
  origins: KnownOrigins,
  logger: Logger,
  { configFile }: { readonly configFile: string },
): Check {
  return (c) => {
    const host = c.req.header('host')
    const origin = origins.ofRequest(c.env.listener, host)
    if (origin === undefined) {
      logger.warn('blocked a request for an unknown host', { host })
      return rpcErrorResponse(
        421,
        `Blocked a request for ${quoted(host ?? '')}: this host is not allowed. ` +
          `Add it to "allowedHosts" in ${configFile}, or set APP_URL if it is your public address.`,
      )
    }
    c.set('origin', origin)
    return undefined
  }
}
