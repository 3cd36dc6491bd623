import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { clock } from '../../../src/doctor/checks/clock.ts'
import { dns } from '../../../src/doctor/checks/dns.ts'
import { httpRedirects, metadata } from '../../../src/doctor/checks/metadata.ts'
import { address, streaming } from '../../../src/doctor/checks/public-address.ts'
import type { RunningGateway } from '../../../src/doctor/find-gateway.ts'
import { undoneForAll } from '../../fixtures/cleanup.ts'
import { emulateLocaltunnel } from '../../fixtures/emulated-edge.ts'
import { noTunnels } from '../../fixtures/gateway.ts'
import { type Intercept, say, serveSecurely, startBehindProxy, startLab } from '../lab.ts'

let intercept: Intercept = () => false
afterEach(() => {
  intercept = () => false
})
const proxied = undoneForAll((atEnd) =>
  startBehindProxy((request, response) => intercept(request, response), {}, atEnd),
)
/** The gateway behind the proxy, whose requests are answered like that until the test is over. */
async function behindProxy(next: Intercept) {
  const lab = await proxied()
  intercept = next
  return lab
}
const direct = undoneForAll((atEnd) => startLab({}, atEnd))

const isAbout = (request: IncomingMessage, part: string) => request.url?.includes(part) ?? false

describe('the check of the public address', () => {
  it('is content when the same process answers there and here', async () => {
    const lab = await proxied()
    expect(await say(address, await lab.world())).toEqual([`ok: ${lab.origin} leads here.`])
    expect(await say(address, await (await direct()).world())).toEqual([])
  })

  it.each([
    ['answers 502', 'it answered HTTP 502'],
    ['never answers', 'no answer within 4 s'],
    ['breaks the connection', 'other side closed'],
  ])('names what a tunnel that %s does', async (what, reason) => {
    let isDead = false
    const lab = await behindProxy((request, response) => {
      if (!isDead) return false
      if (what === 'answers 502') response.writeHead(502).end()
      else if (what === 'breaks the connection') request.destroy()
      return true
    })
    isDead = true
    const world = await lab.world({}, {}, { patience: 1 })
    expect(await say(address, world)).toEqual([
      `fail: ${lab.origin} does not lead to this gateway: ${reason}. -> Press r in the terminal of the gateway, which opens the tunnel again, or start \`pnpm dev:https\` again.`,
    ])
  })

  it('is not taken in by another gateway, nor by a page', async () => {
    const other = await startLab()
    const { appUrl: elsewhere } = other.gateway.status()
    const lab = await direct()
    const world = await lab.world()
    const running = { ...(world.gateway as RunningGateway), publicOrigin: elsewhere }
    const ask = (await other.world()).ask
    const seen = {
      ...world,
      gateway: running,
      ask: (url: string) => (url.startsWith(elsewhere) ? ask(url) : world.ask(url)),
    }
    expect((await say(address, seen))[0]).toContain('another Sallyport gateway answers there')
    const page = await serveSecurely((_request, response) => void response.end('<h1>hi</h1>'))
    const paged = { ...(await lab.world()), gateway: { ...running, publicOrigin: page } }
    expect((await say(address, paged))[0]).toContain('something else answers there')
  })
})

describe('a real tunnel', () => {
  it('is well when its client, its edge and the gateway are', async () => {
    const { tunnels, close } = await emulateLocaltunnel()
    onTestFinished(() => close())
    const lab = await startLab({
      profiles: { default: { auth: 'oauth' } },
      config: { tunnel: 'order', tunnels: { ...noTunnels, order: ['localtunnel'], ...tunnels } },
    })
    const world = await lab.world()
    const origin = lab.gateway.status().appUrl
    expect(world.gateway).toMatchObject({ state: 'running', publicOrigin: origin })
    expect(await say(address, world)).toEqual([`ok: ${origin} leads here.`])
    expect((await say(streaming, world)).map((line) => line.slice(0, 8))).toEqual([
      'ok: POST',
      'ok: GET ',
    ])
    expect(await say(metadata, world)).toEqual([
      'ok: Every metadata document names the address it was fetched from.',
    ])
    expect((await say(httpRedirects, world))[0]).toMatch(/^ok: /)
  })
})

describe('the check of streaming', () => {
  it('times streams that come through as they are written', async () => {
    const lab = await proxied()
    const [post, get] = await say(streaming, await lab.world())
    expect(post).toMatch(/^ok: POST streams arrive as they are written \(\d+ ms\)\.$/)
    expect(get).toMatch(/^ok: GET streams arrive/)
  })

  it('sees a proxy that holds them back', async () => {
    const lab = await behindProxy((request, response) => {
      if (!isAbout(request, '/api/probe/stream/')) return false
      // Everything at once, when the stream has ended.
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end('data: first\n\ndata: last\n\n')
      }, 100)
      return true
    })
    const [post, get] = await say(streaming, await lab.world())
    expect(post).toMatch(/^fail: POST streams are held back until they end.* -> Choose another/)
    expect(get).toMatch(/^warn: GET streams are held back until they end.* -> Choose another/)
  })

  it('says why a stream failed', async () => {
    const lab = await behindProxy((request, response) => {
      if (!isAbout(request, '/api/probe/stream/')) return false
      response.writeHead(503).end()
      return true
    })
    expect((await say(streaming, await lab.world()))[0]).toContain('failed: HTTP 503')
  })

  it('gives tickets on this machine only', async () => {
    const lab = await proxied()
    const world = await lab.world()
    const { ownerOrigin } = world.gateway as RunningGateway
    const ticketOf = (origin: string) => world.ask(`${origin}/api/probe/ticket`, { method: 'POST' })
    expect(await ticketOf(ownerOrigin)).toMatchObject({ ok: true, status: 200 })
    expect(await ticketOf(lab.origin)).toMatchObject({ ok: true, status: 403 })
  })
})

describe('the check of metadata', () => {
  it('is content when each document names where it was fetched from', async () => {
    const lab = await startBehindProxy(undefined, { profiles: { work: { auth: 'oauth' } } })
    expect(await say(metadata, await lab.world())).toEqual([
      'ok: Every metadata document names the address it was fetched from.',
    ])
  })

  it('sees documents that name another address', async () => {
    const lab = await behindProxy((request, response) => {
      const at = 'http://localhost:3001'
      const json = (body: object) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
        return true
      }
      if (isAbout(request, 'oauth-authorization-server')) {
        return json({ issuer: at, token_endpoint: `${at}/oauth/token`, jwks_uri: `${at}/jwks` })
      }
      if (!isAbout(request, 'oauth-protected-resource')) return false
      return json({ resource: `${at}/api/mcp/default`, authorization_servers: [at] })
    })
    const lines = await say(metadata, await lab.world())
    expect(lines).toHaveLength(5)
    for (const line of lines) expect(line).toMatch(/^fail: .*"http:\/\/localhost:3001.* -> Let the/)
    expect(lines.join('\n')).toContain(`instead of ${lab.origin}/api/mcp/default`)
  })
})

describe('the check of redirects', () => {
  it('is content when MCP addresses answer, with and without a slash', async () => {
    const lab = await proxied()
    expect(await say(httpRedirects, await lab.world())).toEqual([
      'ok: No MCP address redirects, with or without a slash at its end.',
    ])
  })

  it('fails a redirect from https to http, and warns of any other', async () => {
    let scheme = 'http'
    const lab = await behindProxy((request, response) => {
      if (!request.url?.endsWith('/api/mcp/default/')) return false
      const location = `${scheme}://${request.headers.host}/api/mcp/default`
      response.writeHead(307, { location }).end()
      return true
    })
    const [downgrade] = await say(httpRedirects, await lab.world())
    expect(downgrade).toMatch(
      /^fail: https:\/\/localhost:\d+\/api\/mcp\/default\/ redirects to http:\/\/.*plain HTTP.* -> Let/,
    )
    scheme = 'https'
    expect((await say(httpRedirects, await lab.world()))[0]).toMatch(
      /^warn: .* do not follow a redir/,
    )
  })
})

describe('the check of names', () => {
  const failing = (code: string) => async () => {
    throw Object.assign(new Error(code), { code })
  }

  it('wants localhost to be this machine', async () => {
    const lab = await direct()
    expect((await say(dns, await lab.world()))[0]).toMatch(/^ok: localhost is .*(127\.|::1)/)
    const away = await lab.world({}, { lookup: async () => ['10.0.0.1'] })
    expect((await say(dns, away))[0]).toMatch(
      /^fail: localhost leads to 10\.0\.0\.1, which is not this machine\. -> Write the line/,
    )
    const nowhere = await lab.world({}, { lookup: failing('ENOTFOUND'), platform: 'win32' })
    expect((await say(dns, nowhere))[0]).toContain('drivers\\etc\\hosts')
  })

  it.each([
    ['ENOTFOUND', 'linux', true, /^warn: .* may remember that .* -> resolvectl flush-caches$/],
    ['ENOTFOUND', 'darwin', true, /-> sudo dscacheutil -flushcache/],
    ['ENOTFOUND', 'win32', true, /-> ipconfig \/flushdns$/],
    ['ENOTFOUND', 'linux', false, /^fail: mcp\.example\.com, the host of APP_URL, has no address/],
    ['EAI_AGAIN', 'linux', true, /^warn: This machine's resolver does not answer for .*EAI_AGAIN/],
  ] as const)(
    'explains %s on %s with a gateway running: %s',
    async (code, platform, runs, expected) => {
      const lab = await direct()
      const world = await lab.world({}, { lookup: failing(code), platform })
      if (!world.configuration.ok) throw new Error('the lab has a configuration')
      const appUrl = 'https://mcp.example.com'
      const configuration = { ...world.configuration, config: { ...lab.config, appUrl } }
      const running = { ...(world.gateway as RunningGateway), publicOrigin: appUrl }
      const gateway = runs ? running : ({ state: 'absent' } as const)
      expect((await say(dns, { ...world, configuration, gateway }))[1]).toMatch(expected)
    },
  )
})

describe('the check of the clock', () => {
  it('says what time it is', async () => {
    const lab = await proxied()
    expect(await say(clock, await lab.world())).toEqual([
      expect.stringMatching(/^ok: It is \d{4}-\d\d-\d\d \d\d:\d\d UTC by this machine\.$/),
      `ok: It agrees with the clock behind ${lab.origin}.`,
    ])
  })

  it('compares with the public address and with the certificate', async () => {
    const lab = await proxied()
    const hour = 3_600_000
    const ahead = await lab.world({}, { now: () => Date.now() + 3 * hour, platform: 'linux' })
    expect(await say(clock, ahead)).toEqual([
      `warn: This machine's clock is 3 h ahead of the one behind ${lab.origin}; tokens and certificates may be refused. -> sudo timedatectl set-ntp true`,
    ])
    const behind = await lab.world({}, { now: () => Date.now() - 48 * hour, platform: 'darwin' })
    const [first, second] = await say(clock, behind)
    expect(first).toMatch(/^fail: The clock says a time before the local certificate was made/)
    expect(second).toMatch(/^warn: .* 48 h behind the one behind/)
  })
})
