import type { UpstreamAuthConfig } from '../../config/resolved-config.ts'

export type { UpstreamAuthConfig }

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
