import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { createFastClock } from '../fixtures/fast-clock.ts'
import {
  startTestGateway as startRealTestGateway,
  type TestGatewayOptions,
} from '../fixtures/gateway.ts'
import { startHttpsFront } from '../fixtures/https-front.ts'
import { type HttpFixture, startServer } from '../fixtures/start-server.ts'
import { issueClientPair } from '../tls/upstream/client-pair.ts'
import {
  bundlesBeside,
  byTest,
  createPrivateCa,
  pem,
  serverOf,
  tamperWith,
  trustChanges,
} from './trust-lab.ts'

const closing = closeAfterEach()
/** The gateway looks every 2 s, which take a tenth of a second here. */
const startTestGateway = (options: TestGatewayOptions) =>
  startRealTestGateway({ clock: createFastClock(20), ...options })

async function startUpstream(file: HttpFixture = 'legacy-http', tls: object = {}) {
  const ca = await createPrivateCa()
  const plain = closing(await startServer(file))
  const pair = await ca.issue(['127.0.0.1'])
  const front = closing(await startHttpsFront(plain.url, { ...pair, ...tls }))
  return { ca, url: front.url, front }
}

describe('an upstream of a private authority', () => {
  it.each([
    ['legacy-http', 'http'],
    ['legacy-sse', 'sse'],
    ['modern-http', 'http'],
  ] as const)('(%s) serves once its bundle is there, and no longer without', async (file, type) => {
    const { ca, url, front } = await startUpstream(file)
    const gateway = closing(
      await startTestGateway({ servers: { corp: { url, type }, other: { url, type } } }),
    )
    const { bundles } = closing(bundlesBeside(gateway))
    const state = () => serverOf(gateway, 'corp')?.state
    await expect.poll(state).toBe('failed')
    const { host } = new URL(url)
    expect(serverOf(gateway, 'corp')?.error).toMatch(
      new RegExp(
        `^${host} shows a certificate of an authority that is not trusted here.*\`pnpm sallyport ca add corp <file>\`.*\`pnpm sallyport ca test corp\``,
      ),
    )

    await bundles.replace('corp', [pem(ca.certPem)], byTest)
    await expect.poll(state).toBe('up')
    await expect.poll(() => trustChanges(gateway.events)).toEqual(['corp added'])
    const client = closing(await connectClient('v2 legacy', gateway.url()))
    const echo = () => client.call('corp__echo', { text: 'hi' })
    await expect.poll(echo).toMatchObject({ content: [{ text: 'hi' }] })
    // A bundle is one server's, and no other's.
    expect(serverOf(gateway, 'other')?.state).not.toBe('up')
    expect(front.connections()).toBeGreaterThan(0)

    await bundles.remove('corp', byTest)
    await expect.poll(state).toBe('failed')
    expect(trustChanges(gateway.events)).toEqual(['corp added', 'corp removed'])
    await expect(echo()).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('`pnpm sallyport ca test corp`'),
    })
  })

  it('is refused when its bundle was changed by somebody else, and says so', async () => {
    const { ca, url } = await startUpstream()
    const gateway = closing(await startTestGateway({ servers: { corp: { url } } }))
    const { bundles, store } = closing(bundlesBeside(gateway))
    await bundles.replace('corp', [pem(ca.certPem)], byTest)
    const state = () => serverOf(gateway, 'corp')?.state
    await expect.poll(state).toBe('up')

    const other = await createPrivateCa()
    await tamperWith(store, 'corp', other.certPem)
    await expect.poll(state).toBe('failed')
    expect(trustChanges(gateway.events).at(-1)).toBe('corp refused')
    expect(serverOf(gateway, 'corp')?.error).toMatch(
      /CA bundle cannot be believed.*pnpm sallyport ca add corp --replace/,
    )

    await bundles.replace('corp', [pem(ca.certPem)], byTest)
    await expect.poll(state).toBe('up')
  })

  it('that asks who calls is shown the client certificate', async () => {
    const clients = await createPrivateCa()
    const { ca, url } = await startUpstream('legacy-http', {
      ca: clients.certPem,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const gateway = closing(await startTestGateway({ servers: { corp: { url } } }))
    const { bundles } = closing(bundlesBeside(gateway))
    await bundles.replace('corp', [pem(ca.certPem)], byTest)
    const server = () => serverOf(gateway, 'corp')
    await expect.poll(() => server()?.error).toMatch(/wants a client certificate it knows/)
    expect(server()?.error).toContain(
      '`pnpm sallyport ca add corp --client-cert <file> --client-key <file>`',
    )

    const { cert, key } = await issueClientPair(clients)
    const files = { cert: pem(cert), key: pem(key, 'client.key') }
    const outcome = await bundles.setClientCertificate('corp', files, byTest)
    expect(outcome.accepted).toBe(true)
    await expect.poll(() => server()?.state).toBe('up')
    const client = closing(await connectClient('v2 legacy', gateway.url()))
    await expect
      .poll(() => client.call('echo', { text: 'hi' }))
      .toMatchObject({ content: [{ text: 'hi' }] })
  })

  it('keeps its open connections when nothing of its own changes', async () => {
    const { ca, url, front } = await startUpstream('modern-http')
    const gateway = closing(await startTestGateway({ servers: { corp: { url } } }))
    const { bundles } = closing(bundlesBeside(gateway))
    await bundles.replace('corp', [pem(ca.certPem)], byTest)
    await expect.poll(() => serverOf(gateway, 'corp')?.state).toBe('up')
    const client = closing(await connectClient('v2 modern', gateway.url()))
    await expect.poll(() => client.call('echo', { text: 'first' })).toBeDefined()
    const before = front.connections()
    await bundles.replace('elsewhere', [pem(ca.certPem)], byTest)
    for (let call = 0; call < 20; call += 1) await client.call('echo', { text: 'again' })
    expect(front.connections()).toBe(before)
  })

  it('is shown to whoever looks, with what is wrong', async () => {
    const { url } = await startUpstream()
    const gateway = closing(await startTestGateway({ servers: { corp: { url } } }))
    await expect.poll(() => serverOf(gateway, 'corp')?.state).toBe('failed')
    const { body } = await request(`${new URL(gateway.url()).origin}/api/profiles`)
    expect(await body.text()).toContain('`pnpm sallyport ca add corp <file>`')
  })
})
