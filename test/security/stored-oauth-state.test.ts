import { readFile } from 'node:fs/promises'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIssuerStorage } from '../../src/oauth/authorization-server/issuer-storage.ts'
import { createBrowser } from '../oauth/browser.ts'
import { type Lab, startLab } from '../oauth/lab.ts'
import {
  allow,
  ask,
  type Discovered,
  discover,
  logIn,
  redirectUri,
  register,
} from '../oauth/oauth-flow.ts'

let lab: Lab
let found: Discovered
beforeAll(async () => {
  lab = await startLab()
  found = await discover(lab)
})
afterAll(() => lab.close())

/** Everything that lies on the disk. */
async function bytes(): Promise<Buffer> {
  const parts = [lab.stateFile, `${lab.stateFile}-wal`].map((path) => readFile(path))
  return Buffer.concat(await Promise.all(parts))
}

async function documentsOf(model: string) {
  return lab.store.list(`oauth:${lab.public}:${model}`)
}

/** A browser, and the values of every cookie it was ever given. */
function recordingBrowser() {
  const cookies = new Set<string>()
  const browser = createBrowser(async (url, init) => {
    const response = await fetch(url, init)
    for (const line of response.headers.getSetCookie()) {
      const value = /=([^;]*)/.exec(line)?.[1]
      if (value) cookies.add(value)
    }
    return response
  })
  return { browser, cookies }
}

async function redeem(
  client: oauth.Client,
  answer: { callback: URL; verifier: string },
  secret: string,
) {
  const { callback, verifier } = answer
  const authentication = oauth.ClientSecretPost(secret)
  const parameters = oauth.validateAuthResponse(found.as, client, callback, oauth.skipStateCheck)
  return oauth.authorizationCodeGrantRequest(
    found.as,
    client,
    authentication,
    parameters,
    redirectUri,
    verifier,
    { [oauth.allowInsecureRequests]: true },
  )
}

describe('the state file', () => {
  it('holds no secret that was handed out', async () => {
    const { browser, cookies } = recordingBrowser()
    const client = await register(found.as, { token_endpoint_auth_method: 'client_secret_post' })
    const secrets = new Set([String(client.client_secret)])
    // Twice, as the second request is made in a session.
    for (let n = 0; n < 2; n += 1) {
      const asked = await ask({ ...found, client })
      const page = await browser.open(asked.url)
      const before = await bytes()
      for (const cookie of cookies) expect(before.includes(cookie)).toBe(false)
      const callback = new URL(await allow(lab, page, browser))
      const response = await redeem(client, { callback, ...asked }, String(client.client_secret))
      const tokens = (await response.json()) as Record<string, string>
      expect(response.status, JSON.stringify(tokens)).toBe(200)
      for (const name of ['access_token', 'refresh_token']) secrets.add(String(tokens[name]))
      secrets.add(String(callback.searchParams.get('code')))
    }
    const { key } = await lab.apiKeys.create({ profile: 'work' })
    secrets.add(key.slice(-43))
    for (const cookie of cookies) secrets.add(cookie)
    expect(secrets.size).toBeGreaterThan(10)
    const file = await bytes()
    for (const secret of secrets) expect(file.includes(secret), secret).toBe(false)
  })

  it.each(['wrong', 'x'.repeat(43)])('takes no client secret %j', async (wrong) => {
    const client = await register(found.as, { token_endpoint_auth_method: 'client_secret_post' })
    const browser = createBrowser()
    const asked = await ask({ ...found, client })
    const callback = new URL(await allow(lab, await browser.open(asked.url), browser))
    const secrets = [wrong, await hashInFile(client.client_id)]
    for (const secret of secrets) {
      const response = await redeem(client, { callback, ...asked }, secret)
      expect(response.status).toBeGreaterThanOrEqual(400)
    }
  })
})

/** What somebody who reads the file would try. */
async function hashInFile(clientId: string): Promise<string> {
  const clients = await documentsOf('Client')
  const kept = clients.map(({ value }) => value as Record<string, string>)
  const found = kept.find(({ client_id }) => client_id === clientId)
  expect(found?.client_secret).toMatch(/^[\w-]{43}$/)
  return String(found?.client_secret)
}

describe('what strangers begin', () => {
  /** As many as `count` of a model, begun a moment ago. */
  async function fill(model: string, count: number): Promise<void> {
    const { grants, store } = lab
    const now = () => Date.now() + lab.clock.ahead - 1_000
    const storage = createIssuerStorage({ store, issuer: lab.public, grants, now })
    for (let n = 0; n < count; n += 1) await storage.adapter(model).upsert(`filler ${n}`, {}, 600)
  }

  it('keeps no session, and of requests no more than a bound, for minutes', async () => {
    const sessions = (await documentsOf('Session')).length
    await fill('Interaction', 500)
    const { url } = await ask({ ...found, client: await register(found.as) })
    for (let n = 0; n < 3; n += 1) expect((await createBrowser().open(url)).status).toBe(200)
    expect((await documentsOf('Session')).length).toBe(sessions)
    expect((await documentsOf('Interaction')).length).toBe(500)
    lab.clock.ahead = 11 * 60_000
    expect(await documentsOf('Interaction')).toEqual([])
    lab.clock.ahead = 0
  })

  it('keeps a browser whose session has ended for minutes only', async () => {
    const { browser } = await logIn(lab, { found })
    lab.clock.ahead = 15 * 24 * 3_600_000
    const { url } = await ask({ ...found, client: await register(found.as) })
    for (let n = 0; n < 3; n += 1) await browser.open(url)
    lab.clock.ahead += 11 * 60_000
    expect(await documentsOf('Session')).toEqual([])
    expect(await documentsOf('SessionUid')).toEqual([])
    lab.clock.ahead = 0
  })

  it('registers no more clients than a bound; the oldest that nobody allowed gives way', async () => {
    const login = await logIn(lab)
    const first = await register(found.as)
    lab.clock.ahead = 2_000
    await fill('Client', 499)
    await register(found.as)
    await register(found.as)
    expect((await documentsOf('NewClient')).length).toBe(500)
    const opened = async (client: oauth.Client) =>
      (await createBrowser().open((await ask({ ...found, client })).url)).status
    expect(await opened(first)).toBe(400)
    expect(await opened(login.client)).toBe(200)
    expect(await opened(await register(found.as))).toBe(200)
    lab.clock.ahead = 0
  })
})
