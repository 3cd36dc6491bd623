import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type RequestListener, request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
// A random id may look like a credential, and is then shown as any other.
import { redactSecrets } from '../../src/lib/redact.ts'
import { createUpstreamGrants } from '../../src/oauth/client/upstream-grants.ts'
import { createSealedStore } from '../../src/store/sealed-store.ts'
import { loadSealingKey } from '../../src/store/sealing-key.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import {
  createProject,
  linesOf,
  type Project,
  runDoctor,
  startGateway,
} from '../doctor/doctor-process.ts'
import { issueEdgeCertificate } from '../emulators/certificates.ts'
import { startForeignIssuer } from '../oauth/client/foreign-issuer.ts'
import { defaultAuth } from '../oauth/default-auth.ts'
import { row } from './row.ts'

/** A project whose public address is a proxy, and what that does with a request. */
async function behindProxy(
  listener: RequestListener,
): Promise<{ project: Project; origin: string }> {
  const certificate = await issueEdgeCertificate()
  const server = createServer(certificate, listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const project = await createProject({ TUNNEL: 'external', APP_URL: origin })
  const ca = join(project.folder, 'proxy-ca.pem')
  await writeFile(ca, certificate.ca)
  return { origin, project: { ...project, env: { ...project.env, NODE_EXTRA_CA_CERTS: ca } } }
}

row('`TUNNEL is external, but there is no APP_URL to be reached at`', async () => {
  const project = await createProject({ TUNNEL: 'external' })
  const script = new URL('../../scripts/dev-https.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script], { cwd: project.folder, env: project.env })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(2)
  expect(said).toContain('TUNNEL is external, but there is no APP_URL to be reached at.')
  expect(said.replace(/\s+/g, ' ')).toContain('Set APP_URL to your public address')
  const { code: doctorCode, report } = await runDoctor(project)
  expect(doctorCode).toBe(1)
  expect(linesOf(report, 'app-url')[0]).toMatch(
    /^fail: TUNNEL is external.* -> Set APP_URL to your/,
  )
})

row('`//` in an address, `APP_URL in .env ends with a slash`', async () => {
  const project = await createProject({ TUNNEL: 'external' })
  await writeFile(join(project.folder, '.env'), 'APP_URL=https://mcp.example.com/\n')
  const { report } = await runDoctor(project)
  expect(linesOf(report, 'app-url')).toEqual([
    'warn: APP_URL in .env ends with a slash, so a program that appends a path to it asks for "//…". -> Write APP_URL=https://mcp.example.com in .env.',
  ])
})

row('`redirect_uri did not match`, redirect not allowed', async () => {
  const issuer = await startForeignIssuer()
  onTestFinished(() => issuer.close())
  const earlier = 'https://old-otter.example/api/oauth/callback'
  const registered = await fetch(`${issuer.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [earlier], token_endpoint_auth_method: 'none' }),
  })
  const { client_id: clientId } = (await registered.json()) as { client_id: string }

  const upstream = { name: 'notes', url: 'http://localhost:9/mcp', auth: defaultAuth }
  const project = await createProject()
  const servers = { notes: { type: 'http', url: upstream.url, auth: { clientId } } }
  const file = JSON.stringify({ mcpServers: servers })
  await writeFile(join(project.folder, 'config/gateway.json'), file)
  const gateway = await startGateway(project)
  const { redirectUri } = gateway.ready
  const query = new URLSearchParams({ client_id: clientId, redirect_uri: redirectUri })
  const refusal = await fetch(`${issuer.issuer}/auth?response_type=code&scope=openid&${query}`)
  expect(refusal.status).toBe(400)
  expect(await refusal.text()).toContain('redirect_uri did not match')

  const home = join(project.folder, '.sallyport')
  const key = await loadSealingKey({ home, secret: undefined })
  const store = openSqliteStore(join(home, 'state.sqlite'))
  const client = {
    kind: 'configured',
    issuer: issuer.issuer,
    clientId,
    redirectUri: earlier,
  } as const
  await createUpstreamGrants(createSealedStore(store, key)).saveGrant(upstream, {
    id: 'one',
    resource: upstream.url,
    client,
    requestedScopes: [],
    grantedScopes: [],
    accessToken: 'token',
    refreshToken: undefined,
    obtainedAt: 0,
    expiresAt: undefined,
  })
  store.close()
  const { report } = await runDoctor(project)
  expect(linesOf(report, 'redirect-uris')).toEqual([
    `warn: The client ${JSON.stringify(redactSecrets(clientId))} of server "notes" is registered for ${earlier}, so the next login is refused: redirect not allowed. -> Add this redirect URI at ${issuer.issuer}: ${redirectUri}`,
  ])
})

row('the tunnel is connected, and nothing answers', async () => {
  const { project, origin } = await behindProxy(() => {})
  const gateway = await startGateway(project)
  expect(gateway.output()).toContain(`${origin} does not lead to this gateway yet`)
  expect(gateway.output()).toContain('Point your tunnel or proxy at port')
  const { code, report } = await runDoctor(project)
  expect(code).toBe(1)
  const [line] = linesOf(report, 'address')
  expect(line).toContain(`fail: ${origin} does not lead to this gateway: no answer within 4 s.`)
  expect(line).toContain('-> Press r in the terminal of the gateway')
})

row('`redirects to http://`', async () => {
  let port = 0
  const { project, origin } = await behindProxy((asked, answer) => {
    const { method = 'GET', url = '/', headers } = asked
    if (url === '/api/mcp/default/') {
      const location = `http://${headers.host}/api/mcp/default`
      answer.writeHead(307, { location }).end()
      return
    }
    const onward = request({ port, host: '127.0.0.1', method, path: url, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    asked.pipe(onward)
  })
  port = Number(project.env.PORT)
  await startGateway(project)
  const { code, report } = await runDoctor(project)
  expect(code).toBe(1)
  const [line] = linesOf(report, 'http-redirects')
  expect(line).toMatch(/^fail: .*\/api\/mcp\/default\/ redirects to http:\/\/localhost/)
  expect(line).toContain('-> Let the proxy in front forward that path without a redirect')
  expect(linesOf(report, 'address')).toEqual([`ok: ${origin} leads here.`])
})
