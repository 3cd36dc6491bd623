import type { AuthorizationServer } from 'oauth4webapi'
import { type AddressGuard, requireAllowedUrl } from '../../lib/guarded-fetch.ts'
import { quoted } from '../../lib/printable.ts'
import { asUpstreamAuthError, UpstreamAuthError } from './upstream-auth-error.ts'

/**
 * Checks that a login may use an issuer: its endpoints, the one the browser goes to included, and
 * PKCE. @throws UpstreamAuthError address-refused, answer-invalid or pkce-unsupported
 */
export function requireUsableIssuer(issuer: AuthorizationServer, guard: AddressGuard): void {
  for (const name of ['authorization_endpoint', 'token_endpoint'] as const) {
    const url = URL.parse(issuer[name] ?? '')
    if (!url) {
      const message = `The metadata of ${quoted(issuer.issuer)} has no "${name}".`
      throw new UpstreamAuthError('answer-invalid', message)
    }
    try {
      requireAllowedUrl(url, guard)
    } catch (error) {
      throw asUpstreamAuthError(error)
    }
  }
  // MCP 2026-07-28: a client refuses an issuer that does not announce S256 (RFC 7636 4.2).
  if (issuer.code_challenge_methods_supported?.includes('S256')) return
  throw new UpstreamAuthError(
    'pkce-unsupported',
    `The authorization server ${quoted(issuer.issuer)} does not announce PKCE with S256, so a login there would not be safe.`,
    { hint: 'Ask its operator to add "code_challenge_methods_supported": ["S256"].' },
  )
}
