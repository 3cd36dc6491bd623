import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { startServer } from '../fixtures/start-server.ts'
import { openAdmin, send } from '../http/admin/admin-lab.ts'
import { createBrowser } from '../oauth/browser.ts'
import { startForeignIssuer } from '../oauth/client/foreign-issuer.ts'
import { startProtectedServer } from '../oauth/client/protected-server.ts'
import { defaultAuth } from '../oauth/default-auth.ts'
import { sallyport } from './command.ts'

const closing = closeAfterEach()

/** A gateway with a server that somebody has logged in to, and the command line beside it. */
async function start() {
  const issuer = closing(await startForeignIssuer())
  const { url: behind } = closing(await startServer('legacy-http'))
  const { introspect } = issuer
  const { url } = closing(
    await startProtectedServer({ issuers: [issuer.issuer], introspect, behind }),
  )
  const gateway = closing(
    await startTestGateway({ servers: { notes: { url, auth: defaultAuth } } }),
  )
  const { configFile, projectDir } = gateway.config
  await writeFile(configFile, JSON.stringify({ mcpServers: { notes: { url } } }))
  const env = { HOME: projectDir, SALLYPORT_CONFIG: 'gateway.json' }
  const notes = () => gateway.gateway.status().profiles[0]?.servers[0]
  await expect.poll(() => notes()?.state).toBe('login-needed')
  const asked = gateway.events.find((event) => event.event === 'upstream' && event.loginUrl)
  await createBrowser().open(asked?.event === 'upstream' ? (asked.loginUrl ?? '') : '', () => false)
  await expect.poll(() => notes()?.state).toBe('up')
  const revocations = () => issuer.requests.filter((one) => one === 'POST /token/revocation').length
  const run = (server: string) => sallyport(['disconnect', server], { cwd: projectDir, env })
  return { gateway, notes, run, revocations }
}

describe('`sallyport disconnect`', () => {
  it('revokes the login to a server and forgets it, so that it waits for another', async () => {
    const { run, notes, revocations } = await start()
    expect(await run('notes')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Disconnected notes'),
    })
    expect(revocations()).toBe(1)
    await expect.poll(() => notes()?.state).toBe('login-needed')
    expect(await run('notes')).toMatchObject({
      code: 2,
      err: expect.stringContaining('The server "notes" is not logged in to.'),
    })
  })

  it('says what is known, and that a gateway must run', async () => {
    const { gateway, run, revocations } = await start()
    const unknown = await run('note')
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain('There is no server "note".')
    expect(unknown.err).toContain('Servers are notes.')
    await gateway.gateway.close()
    expect(await run('notes')).toMatchObject({
      code: 2,
      err: expect.stringContaining('No gateway runs in this folder.'),
    })
    expect(revocations()).toBe(0)
  })
})

describe('the admin page', () => {
  it('names the login to a server, with a button that ends it', async () => {
    const { gateway, notes, revocations } = await start()
    const admin = await openAdmin(gateway)
    const cookie = await admin.signIn()
    const page = await send(`${admin.origin}/admin`, { headers: { cookie } })
    expect(page.text).toContain('<button>Disconnect notes</button>')
    const button = `${admin.origin}/admin/servers/notes/disconnect`
    const press = () => send(button, { method: 'POST', headers: { cookie, origin: admin.origin } })
    expect((await send(button, { method: 'POST' })).status).toBe(401)
    expect(await press()).toMatchObject({
      status: 303,
      headers: { location: '/admin#server-notes' },
    })
    expect(revocations()).toBe(1)
    await expect.poll(() => notes()?.state).toBe('login-needed')
    expect((await press()).status).toBe(404)
    await admin.close()
  })
})
