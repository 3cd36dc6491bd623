import { describe, expect, it } from 'vitest'
import { connectClient } from '../../fixtures/any-client.ts'
import { closeAfterEach } from '../../fixtures/cleanup.ts'
import { startTestGateway } from '../../fixtures/gateway.ts'
import { type HttpFixture, startServer } from '../../fixtures/start-server.ts'
import { createBrowser } from '../browser.ts'
import { defaultAuth } from '../default-auth.ts'
import { startForeignIssuer } from './foreign-issuer.ts'
import { startProtectedServer } from './protected-server.ts'

const closing = closeAfterEach()

const servers: HttpFixture[] = ['legacy-http', 'modern-http']

async function start(server: HttpFixture = 'legacy-http') {
  const issuer = closing(await startForeignIssuer())
  const { url: behind } = closing(await startServer(server))
  const { introspect } = issuer
  const { url } = closing(
    await startProtectedServer({ issuers: [issuer.issuer], introspect, behind }),
  )
  const gateway = closing(
    await startTestGateway({ servers: { notes: { url, auth: defaultAuth } } }),
  )
  const notes = () => gateway.gateway.status().profiles[0]?.servers[0]
  await expect.poll(() => notes()?.state).toBe('login-needed')
  return { issuer, gateway, notes }
}

/** Follows a link, through the issuer and back, until a page is shown. */
const browse = (link: string) => createBrowser().open(link, () => false)

describe('a server that asks for a login', () => {
  it.each(servers)(
    'is announced with a link, and serves its tools once somebody has followed it: %s',
    async (server) => {
      const { gateway, notes } = await start(server)
      const client = closing(await connectClient('v2 modern', gateway.url()))
      const announced = gateway.events.find(
        (event) => event.event === 'upstream' && event.loginUrl !== undefined,
      )
      const link = announced?.event === 'upstream' ? (announced.loginUrl ?? '') : ''
      expect(link).toContain('/api/oauth/login/notes?ticket=')
      expect(notes()?.error).toContain('needs a login')

      const page = await browse(link)
      expect(page).toMatchObject({
        status: 200,
        text: expect.stringContaining('notes is connected'),
      })
      await expect.poll(() => notes()?.state).toBe('up')
      await expect
        .poll(async () => (await client.list('tools')).map(({ name }) => name))
        .toContain('echo')
      expect(await client.call('echo', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] })
    },
  )

  it.each(servers)(
    'answers calls with an error that carries the link while it waits: %s',
    async (server) => {
      const { issuer, gateway, notes } = await start(server)
      const client = closing(await connectClient('v2 modern', gateway.url()))
      const first = gateway.events.find((event) => event.event === 'upstream' && event.loginUrl)
      await browse(first?.event === 'upstream' ? (first.loginUrl ?? '') : '')
      await expect.poll(() => notes()?.state).toBe('up')
      const names = async () => (await client.list('tools')).map(({ name }) => name)
      await expect.poll(names).toContain('echo')

      await issuer.revokeGrants()
      await expect(client.call('echo', { text: 'hi' })).rejects.toMatchObject({
        code: -32000,
        message: expect.stringContaining('needs a login'),
        data: { server: 'notes', loginUrl: expect.stringContaining('/api/oauth/login/notes') },
      })
      // What it offers stays listed.
      expect(await names()).toContain('echo')
    },
  )

  it('shows a page that says what to do to whoever follows a link that is not good', async () => {
    const { gateway } = await start()
    const { origin } = new URL(gateway.url())
    const page = await fetch(`${origin}/api/oauth/login/notes?ticket=guessed`)
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await page.text()).toContain('Not connected')
    const callback = await fetch(`${origin}/api/oauth/callback?code=x&state=y`)
    expect(callback.status).toBeGreaterThanOrEqual(400)
  })
})
