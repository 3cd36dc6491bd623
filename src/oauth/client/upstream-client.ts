/** How the gateway is to log in to one server; the `auth` of its entry, resolved. */
export interface UpstreamAuthConfig {
  /** `client_credentials` needs nobody at a browser. */
  readonly grant: 'authorization_code' | 'client_credentials'
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  /** PKCS #8 PEM, for `private_key_jwt`. */
  readonly privateKey: string | undefined
  /** The only authorization server that may be given the credentials above. */
  readonly issuer: string | undefined
  /** Instead of what the server asks for. */
  readonly scopes: readonly string[] | undefined
  /** The server's metadata may lead to private addresses: it is in the user's own network. */
  readonly allowPrivateNetwork: boolean
}

/** A server that may ask for OAuth. */
export interface ProtectedUpstream {
  readonly name: string
  readonly url: string
  readonly auth: UpstreamAuthConfig
}

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

/** Our identity at one issuer, under one redirect URI. Sealed where it is stored. */
export interface OAuthClient {
  readonly kind: 'configured' | 'metadata-document' | 'dynamic'
  readonly issuer: string
  readonly redirectUri: string
  readonly clientId: string
  readonly clientSecret?: string
  /** What the issuer registered for the token endpoint. */
  readonly authMethod?: string
  /** When the secret ends, ms since the epoch. */
  readonly expiresAt?: number
}
