/** RFC 9728 section 2, as far as it is used. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  readonly scopes_supported?: readonly string[]
}

/** RFC 7591 section 2, as far as it is sent. */
export interface ClientMetadata {
  readonly client_name: string
  readonly redirect_uris: readonly [string]
  readonly grant_types: readonly string[]
  readonly response_types: readonly ['code']
  /** OpenID Connect Registration 1.0: decides which redirect URIs a server accepts. */
  readonly application_type: 'native' | 'web'
  readonly token_endpoint_auth_method?: string
}
