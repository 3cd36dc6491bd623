import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** Who the server says is signed in, and how it misbehaves. */
export interface Account {
  /** What never changes, as a login may. */
  id: number
  login: string
  email: string
  verified: boolean
  nonce?: string
  issuer?: string
}

/** A foreign sign-in provider on this machine: OpenID Connect, and GitHub's endpoints. */
export async function startSignInServer(account: Account) {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const nonces = new Map<string, string>()
  const server = createServer(async (request, response) => {
    const url = new URL(String(request.url), issuer())
    const send = (body: unknown) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    }
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return send({
          issuer: issuer(),
          authorization_endpoint: `${issuer()}/authorize`,
          token_endpoint: `${issuer()}/access_token`,
          jwks_uri: `${issuer()}/jwks`,
        })
      case '/authorize': {
        nonces.set('the-code', url.searchParams.get('nonce') ?? '')
        const back = new URL(String(url.searchParams.get('redirect_uri')))
        back.searchParams.set('code', 'the-code')
        back.searchParams.set('state', String(url.searchParams.get('state')))
        return response.writeHead(302, { location: back.href }).end()
      }
      case '/access_token': {
        const tokens = { access_token: 'a-token', token_type: 'bearer' }
        // GitHub knows neither nonces nor ID tokens.
        if (nonces.get('the-code') === '') return send(tokens)
        const id_token = await new SignJWT({
          email: account.email,
          email_verified: account.verified,
          nonce: account.nonce ?? nonces.get('the-code'),
        })
          .setProtectedHeader({ alg: 'RS256' })
          .setIssuer(account.issuer ?? issuer())
          .setAudience('sallyport-client')
          .setSubject(String(account.id))
          .setIssuedAt()
          .setExpirationTime('5m')
          .sign(privateKey)
        return send({ ...tokens, id_token })
      }
      case '/jwks':
        return send({ keys: [await exportJWK(publicKey)] })
      case '/api/v3/user':
        return send({ id: account.id, login: account.login })
      case '/api/v3/user/emails':
        return send([{ email: account.email, verified: account.verified, primary: true }])
      default:
        return response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer: issuer(),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
