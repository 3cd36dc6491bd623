import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createGrants } from '../../src/oauth/authorization-server/grants.ts'
import { createUpstreamGrants } from '../../src/oauth/client/upstream-grants.ts'
import { createSealedStore, createSealingKey } from '../../src/store/sealed-store.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { sallyport, sallyportProcess } from '../cli/command.ts'
import { temporaryFolder } from '../cli/helpers.ts'
import { defaultAuth } from './default-auth.ts'

let folder: { cwd: string; env: Record<string, string> }
let store: Store
let grants: ReturnType<typeof createGrants>
beforeEach(async () => {
  const cwd = await temporaryFolder()
  await mkdir(join(cwd, 'config'))
  await writeFile(join(cwd, 'config', 'gateway.json'), '{ "mcpServers": {} }')
  folder = { cwd, env: { HOME: cwd, SALLYPORT_HOME: join(cwd, 'state') } }
  store = openSqliteStore(join(cwd, 'state', 'state.sqlite'))
  onTestFinished(() => store.close())
  grants = createGrants({ store, now: Date.now })
})

const remember = (id: string) =>
  grants.remember({
    id,
    issuer: 'https://localhost:3443',
    clientId: 'client',
    clientName: 'Client',
    redirectHost: 'localhost',
    profile: 'default',
    scopes: ['mcp'],
    owner: 'owner',
  })
const idsOf = async () => (await grants.list()).map(({ id }) => id).sort()

describe('commands beside a running gateway', () => {
  it('revoke a grant while others are stored and used, and lose none of them', async () => {
    await remember('to-revoke')
    const revoked = sallyportProcess(['grants', 'revoke', 'to-revoke'], folder)
    let isOver = false
    void revoked.finally(() => {
      isOver = true
    })
    const stored: string[] = []
    while (!isOver) {
      const id = `grant-${stored.length}`
      await remember(id)
      stored.push(id)
      // Noting a use must not bring back what was revoked meanwhile.
      await grants.isLive('https://localhost:3443', 'to-revoke')
      await turn()
    }
    expect(await revoked).toMatchObject({ code: 0, err: '' })
    expect(await idsOf()).toEqual(stored.sort())
    expect(await grants.isLive('https://localhost:3443', 'to-revoke')).toBe(false)
  })

  it('list grants of ours, and not those that servers gave the gateway', async () => {
    await remember('ours')
    const sealed = createSealedStore(store, createSealingKey(Buffer.alloc(32, 1), 'a key'))
    const upstream = { name: 'notes', url: 'https://notes.example/mcp', auth: defaultAuth }
    const client = { kind: 'dynamic' as const, issuer: 'i', redirectUri: 'r', clientId: 'c' }
    await createUpstreamGrants(sealed).saveGrant(upstream, {
      id: 'theirs',
      resource: upstream.url,
      client,
      requestedScopes: [],
      grantedScopes: [],
      accessToken: 'token',
      refreshToken: undefined,
      obtainedAt: 0,
      expiresAt: undefined,
    })
    const { code, out } = await sallyport(['grants', 'list'], folder)
    expect(out).toMatch(/^ {2}ours {2}Client {2}profile default .*\n$/)
    expect(code).toBe(0)
    expect(await idsOf()).toEqual(['ours'])
  })
})
