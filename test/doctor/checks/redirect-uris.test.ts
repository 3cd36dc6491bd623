import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { redirectUris } from '../../../src/doctor/checks/redirect-uris.ts'
import type { GatewayView } from '../../../src/doctor/find-gateway.ts'
import {
  type ClientIdentity,
  createUpstreamGrants,
  type UpstreamGrant,
} from '../../../src/oauth/client/upstream-grants.ts'
import { createSealedStore } from '../../../src/store/sealed-store.ts'
import { loadSealingKey } from '../../../src/store/sealing-key.ts'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'
import { defaultAuth } from '../../oauth/default-auth.ts'
import { say, startLab } from '../lab.ts'

const notes = { name: 'notes', url: 'http://localhost:9/mcp', auth: defaultAuth }
const issuer = 'https://login.example.com'

/** A folder whose gateway was logged in to `notes` under that redirect URI, and has stopped. */
async function loggedIn(kind: ClientIdentity['kind'], redirectUri?: string) {
  const lab = await startLab({ servers: { notes: { url: notes.url, auth: defaultAuth } } })
  await lab.gateway.close()
  const { home } = lab.config
  const current = `${lab.gateway.status().appUrl}/api/oauth/callback`
  const key = await loadSealingKey({ home, secret: undefined })
  const store = openSqliteStore(join(home, 'state.sqlite'))
  const client = { kind, issuer, clientId: 'abc', redirectUri: redirectUri ?? current }
  const grant: UpstreamGrant = {
    id: 'one',
    resource: notes.url,
    client,
    requestedScopes: [],
    grantedScopes: [],
    accessToken: 'the-access-token',
    refreshToken: 'the-refresh-token',
    obtainedAt: 0,
    expiresAt: undefined,
  }
  await createUpstreamGrants(createSealedStore(store, key)).saveGrant(notes, grant)
  store.close()
  const absent: GatewayView = { state: 'absent' }
  return { home, current, world: await lab.world({}, { gateway: absent }) }
}

const old = 'https://old.example/api/oauth/callback'

it('is content when the login was made for the redirect URI of now', async () => {
  const { current, world } = await loggedIn('configured')
  expect(await say(redirectUris, world)).toEqual([`ok: Logins use the redirect URI ${current}.`])
})

it('names what must be registered by hand, and changes no file', async () => {
  const { home, current, world } = await loggedIn('configured', old)
  const before = await readdir(home)
  const lines = await say(redirectUris, world)
  expect(lines).toEqual([
    `warn: The client "abc" of server "notes" is registered for ${old}, so the next login is refused: redirect not allowed. -> Add this redirect URI at ${issuer}: ${current}`,
  ])
  expect(lines.join()).not.toMatch(/the-access-token|the-refresh-token/)
  expect(await readdir(home)).toEqual(before)
})

it('leaves a client that registers by itself alone', async () => {
  const { world } = await loggedIn('dynamic', old)
  expect(await say(redirectUris, world)).toEqual([
    'ok: The address changed since the login to notes; the next login registers the new one by itself.',
  ])
})

it('reads the state of a gateway that runs', async () => {
  const lab = await startLab({ servers: { notes: { url: notes.url, auth: defaultAuth } } })
  const { appUrl } = lab.gateway.status()
  expect(await say(redirectUris, await lab.world())).toEqual([
    `ok: Logins use the redirect URI ${appUrl}/api/oauth/callback.`,
  ])
})
