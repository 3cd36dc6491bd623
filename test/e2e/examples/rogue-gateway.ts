import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { issueEdgeCertificate } from '../../emulators/certificates.ts'

/** How it misbehaves. */
export type Roguery =
  /** Its access tokens are for somebody else, or their signature does not hold. */
  | 'another audience'
  | 'a tampered token'
  /** Good tokens, which it does not take. */
  | 'always 401'
  /** 429 for ever, with a pause that is nothing, or a day. */
  | 'busy'
  | 'busy until tomorrow'
  /** Its metadata says that another issuer is meant. */
  | 'another issuer'
  /** Its keys are not to be had over HTTPS. */
  | 'keys over http'

export interface RogueGateway {
  readonly url: string
  /** PEM of the authority behind its certificate. */
  readonly ca: string
  /** Requests to the profile so far, with the credentials they brought. */
  readonly calls: readonly { authorization: string | undefined }[]
  /** Logins that were begun. */
  readonly logins: () => number
  close(): Promise<void>
}

/** An authorization server and resource in one, as far as a program sees it, that misbehaves. */
export async function startRogueGateway(roguery: Roguery): Promise<RogueGateway> {
  const { ca, cert, key } = await issueEdgeCertificate()
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const calls: { authorization: string | undefined }[] = []
  let logins = 0

  async function mintToken(): Promise<string> {
    const good = await new SignJWT({ client_id: 'example', scope: 'mcp' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
      .setIssuer(origin())
      .setAudience(roguery === 'another audience' ? `${origin()}/api/mcp/other` : resource())
      .setSubject('owner')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey)
    if (roguery !== 'a tampered token') return good
    const [header, payload = '', signature] = good.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')
    return `${header}.${changed}.${signature}`
  }

  function authorizationServerMetadata(): object {
    return {
      issuer: roguery === 'another issuer' ? 'https://localhost:1' : origin(),
      authorization_endpoint: `${origin()}/authorize`,
      token_endpoint: `${origin()}/token`,
      registration_endpoint: `${origin()}/register`,
      jwks_uri: `${roguery === 'keys over http' ? 'http://localhost' : origin()}/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      authorization_response_iss_parameter_supported: true,
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin())
    const send = (body: object, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const body = await readBody(request)
    switch (url.pathname) {
      case '/api/mcp/default':
        return refuse(request, response)
      case '/metadata':
        return send({ resource: resource(), authorization_servers: [origin()] })
      case '/.well-known/oauth-authorization-server':
        return send(authorizationServerMetadata())
      case '/register':
        return send({ ...JSON.parse(body), client_id: 'example' }, 201)
      case '/authorize': {
        logins += 1
        const back = new URL(String(url.searchParams.get('redirect_uri')))
        back.searchParams.set('code', 'a-code')
        back.searchParams.set('state', String(url.searchParams.get('state')))
        back.searchParams.set('iss', origin())
        return void response.writeHead(302, { location: back.href }).end()
      }
      case '/token':
        return send({ access_token: await mintToken(), token_type: 'Bearer', expires_in: 3600 })
      case '/jwks':
        return send({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] })
      default:
        return send({}, 404)
    }
  }

  function refuse({ headers }: IncomingMessage, response: ServerResponse): void {
    calls.push({ authorization: headers.authorization })
    const isBusy = roguery.startsWith('busy') && headers.authorization !== undefined
    const pause = roguery === 'busy' ? '0' : '86400'
    const challenge = `Bearer scope="mcp", resource_metadata="${origin()}/metadata"`
    response.writeHead(
      isBusy ? 429 : 401,
      isBusy ? { 'retry-after': pause } : { 'www-authenticate': challenge },
    )
    response.end()
  }

  const server = createServer({ cert, key }, (request, response) => {
    answer(request, response).catch((error) => response.destroy(error))
  })
  const origin = () => `https://localhost:${(server.address() as AddressInfo).port}`
  const resource = () => `${origin()}/api/mcp/default`
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: resource(),
    ca,
    calls,
    logins: () => logins,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
