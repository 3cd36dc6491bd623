import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { measureCalls, type Subject } from '../measure.ts'
import { createHome, type Home, serverEntry, startGateway, startServer } from '../programs.ts'
import { formatSpread, type Table } from '../report.ts'

/** What it costs to know the caller: three profiles of one gateway, 2026 → 2026 over HTTP. */
export async function tokensTable(rounds: number): Promise<Table> {
  const raw = await startServer('raw-http.ts', 'modern')
  const issuer = await startIssuer()
  const auth = { open: 'none', keys: 'key', tokens: 'oauth' } as const
  const profiles = Object.fromEntries(
    Object.entries(auth).map(([name, kind]) => [name, { servers: ['raw'], auth: kind }]),
  )
  const home = createHome({ mcpServers: { raw: serverEntry(raw.url) }, profiles })
  const gateway = await startGateway(home, { env: { AUTH_ISSUER: issuer.url } })
  const at = (profile: string) => new URL(`/api/mcp/${profile}`, gateway.url)
  const common = { program: gateway, era: 'modern', calls: 500 } as const
  const base = 'an open profile'
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const subjects: Subject[] = [
    { ...common, name: base, url: at('open') },
    { ...common, name: 'with an API key', url: at('keys'), ...bearer(createKey(home)), base },
    {
      ...common,
      name: 'with a JWT of an issuer elsewhere',
      url: at('tokens'),
      ...bearer(await issuer.sign(at('tokens').href)),
      base,
    },
  ]
  const rows = await measureCalls(subjects, rounds)
  issuer.close()
  return {
    title: 'A call with a token',
    about: 'CPU time as above, three profiles of one gateway.',
    head: ['call', 'µs a call', 'ratio'],
    rows: rows.map(({ name, cpuMicros, ratio }) => [
      name,
      formatSpread(cpuMicros),
      formatSpread(ratio, 2),
    ]),
  }
}

function createKey({ folder }: Home): string {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const args = [main, 'keys', 'create', '--profile', 'keys', '--json']
  const line = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  return JSON.parse(line).key
}

/** An authorization server that does nothing but publish its key. */
async function startIssuer() {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const metadata = { issuer: url, jwks_uri: `${url}/keys` }
    const keys = { keys: [{ ...jwk, kid, alg: 'RS256', use: 'sig' }] }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(request.url === '/keys' ? keys : metadata))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    sign: (audience: string) =>
      new SignJWT({ scope: 'mcp', client_id: 'bench' })
        .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt' })
        .setIssuer(url)
        .setSubject('somebody')
        .setAudience(audience)
        .setExpirationTime('2h')
        .sign(privateKey),
    close: () => server.close(),
  }
}
