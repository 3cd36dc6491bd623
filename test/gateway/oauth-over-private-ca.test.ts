import { Agent, type Dispatcher, fetch as fetchWith } from 'undici'
import { describe, expect, it } from 'vitest'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { startServer } from '../fixtures/start-server.ts'
import { createBrowser } from '../oauth/browser.ts'
import { startForeignIssuer } from '../oauth/client/foreign-issuer.ts'
import { startProtectedServer } from '../oauth/client/protected-server.ts'
import { defaultAuth } from '../oauth/default-auth.ts'
import { bundlesBeside, byTest, createPrivateCa, pem, serverOf } from './trust-lab.ts'

const closing = closeAfterEach()

/** A protected server and its issuer, each over HTTPS, and a gateway that has both and no bundle. */
async function start(auth = {}) {
  const [ca, issuerCa] = [await createPrivateCa(), await createPrivateCa()]
  const issuer = closing(await startForeignIssuer({ pair: await issuerCa.issue(['127.0.0.1']) }))
  const { url: behind } = closing(await startServer('legacy-http'))
  const { url } = closing(
    await startProtectedServer({
      issuers: [issuer.issuer],
      introspect: issuer.introspect,
      behind,
      pair: await ca.issue(['127.0.0.1']),
    }),
  )
  const gateway = closing(
    await startTestGateway({ servers: { notes: { url, auth: { ...defaultAuth, ...auth } } } }),
  )
  const { bundles } = closing(bundlesBeside(gateway))
  return { ca, issuerCa, issuer, gateway, bundles, notes: () => serverOf(gateway, 'notes') }
}

describe('OAuth at a server and an issuer of private authorities', () => {
  it('discovers, registers, logs in and gets tokens with the bundle of the server', async () => {
    const { ca, issuerCa, issuer, gateway, bundles, notes } = await start()
    await expect.poll(() => notes()?.state).toBe('failed')
    await bundles.replace('notes', [pem(ca.certPem)], byTest)
    await expect.poll(() => notes()?.state).toBe('login-needed')
    const link = () => /(http\S+ticket=\S+)/.exec(notes()?.error ?? '')?.[1] ?? ''

    // The server is trusted, its issuer not yet: the page says what to do.
    const dispatcher = closingAgent(issuerCa.certPem)
    const browser = createBrowser(((url: URL, init: object) =>
      fetchWith(url, { ...init, dispatcher } as never)) as typeof fetch)
    const refused = await browser.open(link(), () => false)
    expect(refused.text).toContain(new URL(issuer.issuer).host)
    expect(refused.text).toContain('pnpm sallyport ca add notes')
    expect(issuer.requests).toEqual([])

    await bundles.add('notes', [pem(issuerCa.certPem, 'issuer.pem')], byTest)
    const page = await browser.open(link(), () => false)
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('notes is connected') })
    expect(issuer.requests).toEqual(expect.arrayContaining(['POST /reg', 'POST /token']))
    await expect.poll(() => notes()?.state).toBe('up')
    expect(gateway.events).not.toContainEqual(expect.objectContaining({ event: 'error' }))
  })

  it('gets a token in its own name, and not with the bundle of another server', async () => {
    const { ca, issuerCa, issuer, bundles, notes } = await start({
      grant: 'client_credentials',
      clientId: 'own name',
      clientSecret: 'a+secret/with:signs',
      scopes: ['mcp'],
    })
    await bundles.replace('notes', [pem(ca.certPem)], byTest)
    await bundles.replace('other', [pem(issuerCa.certPem)], byTest)
    await expect.poll(() => notes()?.error).toContain(new URL(issuer.issuer).host)
    expect(notes()).toMatchObject({ state: 'failed' })
    expect(notes()?.error).toContain('`pnpm sallyport ca add notes <file>`')
    await bundles.add('notes', [pem(issuerCa.certPem, 'issuer.pem')], byTest)
    await expect.poll(() => notes()?.state).toBe('up')
  })
})

function closingAgent(ca: string): Dispatcher {
  const agent = new Agent({ connect: { ca } })
  closing({ close: () => agent.close() })
  return agent
}
