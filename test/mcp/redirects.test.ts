import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { modernWire, openSession, textOf } from '../fixtures/wire-client.ts'
import { startWireServer, type WireServer } from '../fixtures/wire-server.ts'

const followed = [307, 308]
const refused = [301, 302, 303]
const token = 'Bearer secret'
let elsewhere: WireServer
const servers = new Map<string, WireServer>()
let gateway: TestGateway
/** What came to the other origin. */
const strays: string[] = []

async function startRedirecting(name: string, status: number, target: string): Promise<void> {
  const server = await startWireServer({
    before(incoming, outgoing) {
      if (incoming.url !== '/mcp') return false
      outgoing.writeHead(status, { location: target }).end()
      return true
    },
  })
  servers.set(name, server)
}

beforeAll(async () => {
  elsewhere = await startWireServer({
    before(incoming) {
      strays.push(String(incoming.headers.authorization))
      return false
    },
  })
  for (const status of [...followed, ...refused]) {
    await startRedirecting(`within-${status}`, status, '/moved?to=1')
    await startRedirecting(`away-${status}`, status, elsewhere.url)
  }
  await startRedirecting('circle-307', 307, '/mcp')
  const headers = { authorization: token }
  gateway = await startTestGateway({
    servers: Object.fromEntries([...servers].map(([name, { url }]) => [name, { url, headers }])),
    profiles: Object.fromEntries([...servers.keys()].map((name) => [name, { servers: [name] }])),
  })
})
afterAll(async () => {
  await gateway.close()
  for (const server of [elsewhere, ...servers.values()]) await server.close()
})

const stateOf = (name: string) => {
  const profile = gateway.gateway.status().profiles.find((one) => one.name === name)
  return profile?.servers[0]
}

describe('a server that redirects', () => {
  it.each(followed)(
    'with %i within its origin is followed, with body and token',
    async (status) => {
      const name = `within-${status}`
      for (const client of [await openSession(gateway.url(name)), modernWire(gateway.url(name))]) {
        expect(textOf(await client.call('hi'))).toBe('hi')
      }
      const { seen = [] } = servers.get(name) ?? {}
      const calls = seen.filter(({ message }) => message.method === 'tools/call')
      expect(calls).toHaveLength(2)
      for (const { incoming } of calls) {
        expect(incoming.url).toBe('/moved?to=1')
        expect(incoming.headers.authorization).toBe(token)
      }
    },
  )

  it.each([
    ...refused.map((status) => [`within-${status}`, status] as const),
    ...[...followed, ...refused].map((status) => [`away-${status}`, status] as const),
  ])('(%s) is not followed, and says where it leads', async (name, status) => {
    const target = name.startsWith('away')
      ? elsewhere.url
      : servers.get(name)?.url.replace('/mcp', '/moved?to=1')
    await expect.poll(() => stateOf(name)?.state).toBe('failed')
    expect(stateOf(name)?.error).toBe(
      `it redirects to "${target}" (HTTP ${status}); set "url" to the address that answers`,
    )
    const { error } = await modernWire(gateway.url(name)).call('hi')
    expect(error).toMatchObject({
      code: -32000,
      message: expect.stringContaining('it redirects to'),
    })
  })

  it('in a circle is left', async () => {
    await expect.poll(() => stateOf('circle-307')?.state).toBe('failed')
    expect(stateOf('circle-307')?.error).toContain('307')
  })

  it('to another origin sends nothing there', () => {
    expect(strays).toEqual([])
  })
})
