import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose'

/** One access token, and whether the examples may take it. */
export interface TokenRow {
  readonly name: string
  readonly token: string
  readonly jwksUri: string
  readonly good: boolean
}

/** What the tokens are checked against. */
export const expected = {
  issuer: 'https://localhost:3443',
  resource: 'https://localhost:3443/api/mcp/default',
} as const

/** A table of tokens, with the server that publishes the keys some of them are signed with. */
export async function startTokenRows(): Promise<{ rows: TokenRow[]; close(): void }> {
  const rsa = await generateKeyPair('RS256')
  const ec = await generateKeyPair('ES256')
  const stranger = await generateKeyPair('RS256')
  const keys = [
    { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
    { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
  ]
  const server = createServer((request, response) => {
    const known = request.url === '/jwks'
    response.writeHead(known ? 200 : 503, { 'content-type': 'application/json' })
    response.end(known ? JSON.stringify({ keys }) : '{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: expected.issuer, aud: expected.resource, sub: 'owner', exp: now + 600 }
  const sign = (changes: JWTPayload = {}, header: object = {}, key: CryptoKey = rsa.privateKey) =>
    new SignJWT({ iat: now, client_id: 'example', ...claims, ...changes })
      .setProtectedHeader({ alg: 'RS256', kid: 'rsa', typ: 'at+jwt', ...header })
      .sign(key)
  const { exp: _, ...forever } = claims
  const good = await sign()
  const rows: [string, boolean, string, string?][] = [
    ['RS256', true, good],
    ['ES256', true, await sign({}, { alg: 'ES256', kid: 'ec' }, ec.privateKey)],
    ['another audience', false, await sign({ aud: `${expected.resource}2` })],
    ['one more audience', false, await sign({ aud: [expected.resource, 'https://else.test'] })],
    ['an audience that begins alike', false, await sign({ aud: 'https://localhost:3443' })],
    ['another issuer', false, await sign({ iss: 'https://localhost:3444' })],
    ['an issuer with a slash at its end', false, await sign({ iss: `${expected.issuer}/` })],
    ['an hour too old', false, await sign({ exp: now - 3600 })],
    ['good from tomorrow', false, await sign({ nbf: now + 86_400 })],
    [
      'without an expiry',
      false,
      await new SignJWT(forever)
        .setProtectedHeader({ alg: 'RS256', kid: 'rsa', typ: 'at+jwt' })
        .sign(rsa.privateKey),
    ],
    ['an ID token', false, await sign({}, { typ: 'JWT' })],
    ['signed by a stranger under a known key id', false, await sign({}, {}, stranger.privateKey)],
    ['an unknown key id', false, await sign({}, { kid: 'new' }, stranger.privateKey)],
    ['a changed payload', false, withPayload(good, { ...claims, sub: 'somebody else' })],
    ['a cut signature', false, good.slice(0, good.lastIndexOf('.') + 1)],
    ['no signature, and "none"', false, unsigned(claims)],
    [
      'HS256 with the public key as the secret',
      false,
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: 'rsa', typ: 'at+jwt' })
        .sign(new TextEncoder().encode(await exportSPKI(rsa.publicKey))),
    ],
    ['not a JWT', false, 'opaque'],
    ['keys that cannot be had', false, good, `${base}/gone`],
  ]
  return {
    rows: rows.map(([name, isGood, token, jwksUri = `${base}/jwks`]) => ({
      name,
      token,
      jwksUri,
      good: isGood,
    })),
    close: () => void server.close(),
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function withPayload(token: string, payload: object): string {
  const [header = '', , signature = ''] = token.split('.')
  return `${header}.${encode(payload)}.${signature}`
}

function unsigned(payload: object): string {
  return `${encode({ alg: 'none', typ: 'at+jwt', kid: 'rsa' })}.${encode(payload)}.`
}
