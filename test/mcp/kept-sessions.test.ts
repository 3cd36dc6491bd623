import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClientStreams } from '../../src/mcp/endpoint/client-streams.ts'
import { createSessionRecords } from '../../src/mcp/endpoint/session-records.ts'
import { createStreamableSessions } from '../../src/mcp/endpoint/streamable.ts'
import { createProfile } from '../../src/mcp/profile.ts'
import { createRelay } from '../../src/mcp/relay/relay.ts'
import { createApiKeys } from '../../src/oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { freePort, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'
import { isTold, openSession, seenBy, takeUpSession } from '../fixtures/wire-client.ts'
import { createMemoryStore } from '../oauth/memory-store.ts'

const log = (level: string) => ({ method: 'notifications/message', params: { level, data: level } })
const updated = { method: 'notifications/resources/updated', params: { uri: 'a:b' } }
const script = JSON.stringify({
  initialize: {
    capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
  },
  'resources/list': { resources: [{ uri: 'a:b', name: 'a' }] },
  'logging/setLevel': {},
  'resources/subscribe': {},
  'tools/call never': [log('info')],
  'tools/call done': [log('info'), { id: '$id', result: { content: [] } }],
  'tools/call later': [{ id: '$id', result: { content: [] } }, log('info'), log('error'), updated],
})

describe('a session of a 2025 client', () => {
  let folder: string
  let listen: { host: string; httpPort: number; httpsPort: number; strictPort: boolean }
  let gateway: Awaited<ReturnType<typeof start>>

  const start = (isolation: 'shared' | 'session') =>
    startTestGateway({
      servers: { one: { ...stdioFixture('scripted-stdio.ts', [script]), isolation } as never },
      profiles: { default: {}, keyed: { auth: 'key' } },
      config: { home: join(folder, '.sallyport'), listen },
    })
  const restart = async (isolation: 'shared' | 'session') => {
    await gateway.close()
    gateway = await start(isolation)
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-kept-'))
    const [httpPort, httpsPort] = [await freePort(), await freePort()]
    listen = { host: '127.0.0.1', httpPort, httpsPort, strictPort: true }
    gateway = await start('shared')
  })
  afterAll(async () => {
    await gateway.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })

  it.each(['shared', 'session'] as const)(
    'outlives the gateway, with its level and its subscriptions (%s)',
    async (isolation) => {
      await restart(isolation)
      const before = await openSession(gateway.url())
      await before.request('logging/setLevel', { level: 'error' })
      await before.request('resources/subscribe', { uri: 'a:b' })
      await restart(isolation)
      const after = takeUpSession(gateway.url(), before.id)
      const stream = await after.listen()
      expect(stream.response.status).toBe(200)
      await expect
        .poll(async () => (await seenBy(after)).map(({ method }) => method))
        .toEqual(expect.arrayContaining(['logging/setLevel', 'resources/subscribe']))
      expect((await after.call('later')).result).toEqual({ content: [] })
      expect((await stream.next(isTold(updated.method))).params).toEqual(updated.params)
      expect(stream.messages.map(({ params }) => params?.level).filter(Boolean)).toEqual(['error'])
      stream.leave()
      await after.end()
    },
  )

  it('hears what became of a call that was under way, and of no other', async () => {
    const before = await openSession(gateway.url())
    const begin = (name: string) => before.begin('tools/call', { name, arguments: {} })
    const [never, done] = [await begin('never'), await begin('done')]
    await never.next(isTold('notifications/message'))
    await done.ended
    await restart('shared')
    await never.ended
    const after = takeUpSession(gateway.url(), before.id)
    const [lost, complete] = [
      await after.listen(never.lastEventId()),
      await after.listen(done.lastEventId()),
    ]
    await Promise.all([lost.ended, complete.ended])
    expect(lost.messages).toMatchObject([{ id: never.id, error: { code: -32000 } }])
    expect(lost.messages[0]?.error?.message).toMatch(/^The answer is lost: /)
    expect(complete.messages).toEqual([])
    await after.end()
  })

  it('that was ended stays ended', async () => {
    const session = await openSession(gateway.url())
    expect(await session.end()).toBe(200)
    const status = async () => (await session.post({ id: 9, method: 'ping' })).status
    expect(await status()).toBe(404)
    await restart('shared')
    expect(await status()).toBe(404)
  })

  it('is nobody else’s, also after a restart, nor one of another profile', async () => {
    const store = openSqliteStore(join(gateway.config.home, 'state.sqlite'))
    const apiKeys = createApiKeys({ store, now: Date.now })
    const create = async () => (await apiKeys.create({ profile: 'keyed' })).key
    const as = (key: string) => ({ authorization: `Bearer ${key}` })
    const [owner, other] = [as(await create()), as(await create())]
    store.close()
    const url = () => gateway.url('keyed')
    const { id } = await openSession(url(), { headers: owner })
    const statusAs = async (headers: Record<string, string>, address = url()) =>
      (await takeUpSession(address, id, headers).post({ id: 1, method: 'ping' })).status
    for (const when of ['before', 'after']) {
      if (when === 'after') await restart('shared')
      expect(await statusAs(other)).toBe(404)
      expect(await statusAs(owner, gateway.url())).toBe(404)
      expect(await statusAs(owner)).toBe(200)
    }
    const forged = `${id.slice(0, -2)}AA`
    const { status } = await takeUpSession(url(), forged, owner).post({ id: 1, method: 'ping' })
    expect(status).toBe(404)
  })
})

/** The sessions of a profile without servers, with room for a few. */
async function startSessions(maxSessions: number) {
  let time = Date.now()
  const now = () => time
  const store = createMemoryStore(now)
  const relay = createRelay()
  const tools = { allow: [], deny: [], rename: {}, describe: {} }
  const config = { name: 'default', servers: [], naming: 'auto', tools, scopes: [] } as const
  const profile = createProfile({
    tap: { isOn: false, begin: () => expect.unreachable(), message: () => {} },
    config: { ...config, description: undefined, auth: undefined },
    version: '1',
    upstream: () => undefined,
    relay,
  })
  const sealer = {
    seal: (value: unknown) =>
      Buffer.from(JSON.stringify([value, Math.random()])).toString('base64url'),
    open: (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString())[0],
  }
  const sessions = createStreamableSessions({
    profile,
    records: createSessionRecords({ profile: 'default', sealer, store, now }),
    streams: createClientStreams({ logger: silentLogger }),
    logger: silentLogger,
    now,
    maxSessions,
  })
  const server = createServer(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const text = Buffer.concat(await incoming.toArray()).toString('utf8')
    const body = text === '' ? undefined : { text, value: JSON.parse(text) as unknown }
    sessions.handle({ incoming, outgoing, origin: 'http://localhost', principal: 'ada', body })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    sessions.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    sessions,
    store,
    pass: (ms: number) => {
      time += ms
    },
  }
}

describe('sessions that nobody ends', () => {
  it('give way, the longest unused first, and go on when they are used again', async () => {
    const { url, sessions } = await startSessions(8)
    const [listening, busy, left] = [
      await openSession(url),
      await openSession(url),
      await openSession(url),
    ]
    const stream = await listening.listen()
    const isHeld = ({ id }: { id: string }) => [...sessions].some(({ ownerId }) => ownerId === id)
    for (let count = 0; count < 30; count += 1) {
      await openSession(url)
      expect((await busy.request('ping')).result).toEqual({})
    }
    expect(sessions.size).toBe(8)
    expect([listening, busy, left].map(isHeld)).toEqual([true, true, false])
    expect((await left.request('ping')).result).toEqual({})
    expect(isHeld(left)).toBe(true)
    stream.leave()
  })

  it('leave nothing in the store for longer than they can be taken up', async () => {
    const { url, store, pass } = await startSessions(8)
    for (let count = 0; count < 5; count += 1) await (await openSession(url)).end()
    const kept = async () => (await store.list('mcp-sessions')).length
    expect(await kept()).toBe(5)
    pass(8 * 24 * 60 * 60_000)
    await (await openSession(url)).end()
    expect(await kept()).toBe(1)
  })
})
