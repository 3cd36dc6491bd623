import { zoneOfHost } from '../../lib/address-zone.ts'
import type { ClientMetadata } from './wire-types.ts'

const clientName = 'Sallyport'

/** What we register as, for one redirect URI. */
export function clientMetadata(redirectUri: string): ClientMetadata {
  const { protocol, hostname } = new URL(redirectUri)
  // RFC 8252 7.3 allows http on loopback to native clients only.
  const isNative = protocol === 'http:' && zoneOfHost(hostname) === 'loopback'
  return {
    client_name: clientName,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: isNative ? 'native' : 'web',
  }
}

/** The document an issuer fetches from our address (CIMD): its `client_id` is that address. */
export function clientMetadataDocument(
  documentUrl: string,
  redirectUri: string,
): ClientMetadata & { client_id: string } {
  return {
    client_id: documentUrl,
    ...clientMetadata(redirectUri),
    token_endpoint_auth_method: 'none',
  }
}
