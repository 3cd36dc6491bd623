import type { UpstreamAuthConfig } from '../../src/config/resolved-config.ts'

/** What a server without an `auth` of its own gets. */
export const defaultAuth: UpstreamAuthConfig = {
  grant: 'authorization_code',
  clientId: undefined,
  clientSecret: undefined,
  privateKey: undefined,
  issuer: undefined,
  scopes: undefined,
  allowPrivateNetwork: false,
}
