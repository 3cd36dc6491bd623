import { createPrivateKey } from 'node:crypto'
import type { CryptoKey } from 'jose'
import {
  type AuthorizationServer,
  type ClientAuth,
  ClientSecretPost,
  None,
  PrivateKeyJwt,
} from 'oauth4webapi'
import { UpstreamAuthError } from './upstream-auth-error.ts'
import type { ClientIdentity } from './upstream-grants.ts'

/**
 * The ways to authenticate at the token endpoint, to be tried in order when the issuer refuses the
 * client. More than one only where servers disagree about how a secret is encoded.
 * @throws UpstreamAuthError key-invalid
 */
export async function clientAuthentications(
  issuer: AuthorizationServer,
  client: ClientIdentity,
  privateKey: string | undefined,
): Promise<readonly ClientAuth[]> {
  if (privateKey !== undefined) return [PrivateKeyJwt(await importKey(privateKey))]
  const { clientSecret } = client
  if (clientSecret === undefined) return [None()]
  const supported = issuer.token_endpoint_auth_methods_supported
  switch (chooseMethod(client.authMethod, supported)) {
    case 'none':
      return [None()]
    case 'client_secret_post':
      return [ClientSecretPost(clientSecret)]
    default:
      return basicVariants(clientSecret)
  }
}

const known = ['client_secret_basic', 'client_secret_post', 'none']

/** RFC 7591 2: without a word from the issuer it is `client_secret_basic`. */
function chooseMethod(registered: string | undefined, supported: readonly string[] | undefined) {
  if (registered !== undefined && known.includes(registered)) return registered
  return known.find((method) => supported?.includes(method)) ?? 'client_secret_basic'
}

/**
 * RFC 6749 2.3.1 form-encodes id and secret before base64; many servers never decode. What needs no
 * encoding is the same both ways (unlike in oauth4webapi, which encodes `-` and `_` too).
 */
function basicVariants(secret: string): ClientAuth[] {
  const send =
    (encode: (text: string) => string): ClientAuth =>
    (_issuer, client, _body, headers) => {
      const credentials = `${encode(client.client_id)}:${encode(secret)}`
      headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
    }
  return [send(formEncode), send((text) => text)]
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

async function importKey(pem: string): Promise<CryptoKey> {
  try {
    const { importPKCS8 } = await import('jose')
    return await importPKCS8(pem, algorithmOf(pem))
  } catch (error) {
    throw new UpstreamAuthError('key-invalid', 'The private key for the login cannot be used.', {
      hint: 'Set "privateKey" in the server\'s "auth" to an EC (P-256, P-384), RSA or Ed25519 key as PKCS #8 PEM.',
      cause: error,
    })
  }
}

function algorithmOf(pem: string): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem)
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'rsa') return 'RS256'
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256'
}
