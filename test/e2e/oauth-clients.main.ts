import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { messageOf } from '../../src/errors.ts'
import { emulateLocaltunnel } from '../fixtures/emulated-edge.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'
import { createChecklist } from './checklist.ts'
import { installClaudeCode } from './claude-code.ts'
import { claudeCodeClient } from './claude-code-client.ts'
import { createFakeBrowser, type FakeBrowser } from './fake-browser.ts'
import { inspector } from './inspector.ts'
import { mcpRemote } from './mcp-remote.ts'
import { installNpmProgram } from './npm-program.ts'
import type { ClientReport, OAuthClient } from './oauth-client.ts'
import { type Allowed, chromiumPath, type Owner, startOwner } from './owner.ts'
import { sdkClient } from './sdk-clients.ts'

// Real clients log in to the real gateway, over local HTTPS and through a tunnel: from the refusal
// by way of the consent page in Chromium to a tool that answers. Prints one line per check and,
// last, `e2e oauth-clients: PASSED/TOTAL`, which `.ci/run` counts.
const screenshots = fileURLToPath(
  new URL('../../test-results/oauth-pages/gateway-consent', import.meta.url),
)
const loginLimitMs = 20_000
const list = createChecklist('oauth-clients', {
  needs: 'npm and Chromium',
  print: (line) => console.log(line),
})

interface Place {
  readonly name: 'local HTTPS' | 'a tunnel'
  /** What clients call the server. */
  readonly server: 'local' | 'tunnelled'
  readonly gateway: TestGateway
  readonly environment: Readonly<Record<string, string>>
  readonly owner: Owner
}

/** The clients that are to be had here, each with a home that nobody else uses. */
async function installClients(scratch: string, browser: FakeBrowser): Promise<OAuthClient[]> {
  const fromNpm = async (spec: string, program: string, create: typeof mcpRemote) => {
    const folder = join(scratch, program)
    const { environment } = browser
    const installed = await installNpmProgram(spec, { program, folder, environment })
    if (installed.ok) return [create(installed.bin, join(folder, 'home'))]
    list.skip(program, installed.reason)
    return []
  }
  const claudeCode = async () => {
    const installation = await installClaudeCode(join(scratch, 'claude'))
    if (installation.ok) return [claudeCodeClient(installation.claude)]
    list.skip('Claude Code', installation.reason)
    return []
  }
  const installed = await Promise.all([
    fromNpm('mcp-remote@0.15.1', 'mcp-remote', mcpRemote),
    fromNpm('@modelcontextprotocol/inspector@2.12.0', 'mcp-inspector', inspector),
    claudeCode(),
  ])
  const sdks = (['v1', 'v2'] as const).map((kind) => sdkClient(kind, join(scratch, kind)))
  return [...sdks, ...installed.flat()]
}

/** A client's login with the owner at the browser, and what came of either. */
async function logIn(
  client: OAuthClient,
  { place, browser, shoot }: { place: Place; browser: FakeBrowser; shoot: boolean },
): Promise<{ report: ClientReport | Error; allowed: Allowed | Error; opened: number }> {
  const { gateway, owner, server, environment } = place
  const before = (await browser.opened()).length
  const ended = new AbortController()
  const limit = AbortSignal.any([ended.signal, AbortSignal.timeout(loginLimitMs)])
  const using = client
    .use({ name: server, url: gateway.url(), environment })
    .finally(() => ended.abort(new Error('the client ended without opening a browser')))
    .catch(toError)
  const allowing = browser
    .next(before, limit)
    .then((url) => owner.allow(url, shoot ? { screenshots } : {}))
    .catch(toError)
  const [report, allowed] = await Promise.all([using, allowing])
  return { report, allowed, opened: (await browser.opened()).length - before }
}

async function testClient(
  client: OAuthClient,
  options: { place: Place; browser: FakeBrowser; shoot: boolean },
): Promise<void> {
  const { place, shoot } = options
  const started = performance.now()
  const { report, allowed, opened } = await logIn(client, options)
  const problem = [allowed, report].filter((one) => one instanceof Error).map(describe)
  const details =
    problem.length > 0 ? problem.join('\n') : JSON.stringify({ allowed, report, opened })
  const check = (what: string, passed: boolean) =>
    list.check(`${client.name} over ${place.name}: ${what}`, passed, passed ? '' : details)

  const { origin } = new URL(place.gateway.url())
  const isAllowed =
    !(allowed instanceof Error) &&
    allowed.approval.origin === origin &&
    allowed.callback.searchParams.get('iss') === origin &&
    allowed.callback.searchParams.has('code') &&
    allowed.callbackStatus < 400
  check('is registered, and sent back with a code once the owner allowed it', isAllowed)
  const done = report instanceof Error ? undefined : report
  check('lists the tools', done?.tools.includes('echo') === true)
  check('calls echo', done?.echo.includes('hello') === true)
  check('comes back without a second login', done?.cameBack === true && opened === 1)
  if (shoot && !(allowed instanceof Error)) {
    const tooWide = allowed.overflowing.join(' ')
    list.check('the consent page fits phone and desktop, light and dark', tooWide === '', tooWide)
  }
  const who = allowed instanceof Error ? '' : `${JSON.stringify(allowed.approval.clientName)}, `
  console.log(`     ${who}${Math.round(performance.now() - started)} ms`)
}

/** What every client finds first: a refusal, and from there the way to where it can register. */
async function testDiscovery({ name, gateway }: Place, ca: Buffer | undefined): Promise<void> {
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } })
  const url = gateway.url()
  const { origin } = new URL(url)
  const refused = await request(url, { method: 'POST', dispatcher })
  await refused.body.dump()
  const challenge = String(refused.headers['www-authenticate'])
  const metadataUrl = /^Bearer .*resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? origin
  const read = async (from: string) => {
    const text = await (await request(from, { dispatcher })).body.text()
    return (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>
  }
  const resource = await read(metadataUrl)
  const server = await read(`${origin}/.well-known/oauth-authorization-server`)
  await dispatcher.close()
  const passed =
    refused.statusCode === 401 &&
    resource.resource === url &&
    String(resource.authorization_servers) === origin &&
    server.issuer === origin &&
    String(server.registration_endpoint).startsWith(`${origin}/`)
  const details = JSON.stringify({ status: refused.statusCode, challenge, resource, server })
  list.check(`a stranger over ${name} is refused, and told where to register`, passed, details)
}

async function testPlace(
  { name, server, gateway }: Pick<Place, 'name' | 'server' | 'gateway'>,
  { clients, browser }: { clients: readonly OAuthClient[]; browser: FakeBrowser },
): Promise<void> {
  const { caFile } = gateway.gateway.status()
  const https =
    caFile === undefined ? {} : { https: { origin: new URL(gateway.url()).origin, caFile } }
  const owner = await startOwner({ events: gateway.events, ...https })
  const trust = caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile }
  const environment = { ...browser.environment, ...trust }
  const place = { name, server, gateway, environment, owner }
  try {
    await testDiscovery(place, caFile === undefined ? undefined : await readFile(caFile))
    for (const client of clients) {
      const shoot = name === 'local HTTPS' && client === clients[0]
      await testClient(client, { place, browser, shoot })
    }
  } finally {
    await owner.close()
  }
}

async function testAll(scratch: string): Promise<void> {
  const browser = await createFakeBrowser(join(scratch, 'browser'))
  const clients = await installClients(scratch, browser)
  const common = {
    servers: { fixture: stdioFixture('legacy-stdio.ts') },
    profiles: { default: { auth: 'oauth' as const } },
  }
  const local = await startTestGateway({ ...common, https: true })
  try {
    const place = { name: 'local HTTPS', server: 'local', gateway: local } as const
    await testPlace(place, { clients, browser })
  } finally {
    await local.close()
  }
  const edge = await emulateLocaltunnel()
  try {
    const tunnels = { ...edge.tunnels, allowAnonymous: false }
    const gateway = await startTunnelledGateway({ ...common, order: [edge.provider], tunnels })
    try {
      await testPlace({ name: 'a tunnel', server: 'tunnelled', gateway }, { clients, browser })
    } finally {
      await gateway.close()
    }
  } finally {
    await edge.close()
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function describe(error: Error): string {
  return error.cause === undefined
    ? messageOf(error)
    : `${messageOf(error)}\n${messageOf(error.cause)}`
}

const scratch = await mkdtemp(join(tmpdir(), 'sallyport-oauth-e2e-'))
try {
  if (existsSync(chromiumPath)) await testAll(scratch)
  else if (process.env.CI === 'true') list.check('Chromium is installed', false, chromiumPath)
  else list.skip('everything', `There is no ${chromiumPath}; apt-get install -y chromium`)
} catch (error) {
  list.check('runs to its end', false, toError(error).stack ?? '')
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(list.finish() ? 0 : 1)
