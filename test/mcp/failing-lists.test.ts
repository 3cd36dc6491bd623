import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { modernWire, openSession, type WireSession } from '../fixtures/wire-client.ts'

const lists = {
  'tools/list': { tools: [{ name: 'hi', inputSchema: { type: 'object' } }] },
  'resources/list': { resources: [{ uri: 'a:b', name: 'a' }] },
  'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'a:{b}', name: 'ab' }] },
  'prompts/list': { prompts: [{ name: 'p' }] },
}
type ListMethod = keyof typeof lists
const methods = Object.keys(lists) as ListMethod[]
const error = { code: -32603, message: 'the database is down', data: { retry: 1 } }
const rows = methods.flatMap((failing) =>
  (['is refused', 'is never answered'] as const).map((how) => ({
    failing,
    how,
    name: `${failing}-${how}`.replace(/\W+/g, '-'),
  })),
)
let gateway: TestGateway

const script = (extra: object) =>
  JSON.stringify({
    initialize: { capabilities: { tools: {}, resources: {}, prompts: {} } },
    ...lists,
    ...extra,
  })

beforeAll(async () => {
  const bad = rows.map(({ failing, how, name }): [string, ReturnType<typeof stdioFixture>] => [
    name,
    stdioFixture('scripted-stdio.ts', [
      script({ [failing]: how === 'is refused' ? { error } : null }),
    ]),
  ])
  const good = stdioFixture('scripted-stdio.ts', [script({})])
  gateway = await startTestGateway({
    servers: { ...Object.fromEntries(bad), good },
    profiles: Object.fromEntries(
      rows.flatMap(({ name }) => [
        [name, { servers: [name] }],
        [`${name}-and-good`, { servers: [name, 'good'] }],
      ]),
    ),
  })
})
afterAll(() => gateway.close())

const countIn = ({ result = {} }: { result?: Record<string, unknown> | undefined }) =>
  Object.values(result).find(Array.isArray)?.length

async function countsOf({ request }: Pick<WireSession, 'request'>, asked: readonly ListMethod[]) {
  const answers = await Promise.all(asked.map(async (one) => [one, countIn(await request(one))]))
  return Object.fromEntries(answers)
}

describe('a server one of whose lists', () => {
  it.each(rows)('$failing $how shows the others', async ({ failing, how, name }) => {
    const others = methods.filter((one) => one !== failing)
    const full = Object.fromEntries(others.map((one) => [one, 1]))
    const ada = await openSession(gateway.url(name))
    const bob = modernWire(gateway.url(name))
    await expect.poll(() => countsOf(ada, others)).toEqual(full)
    expect(await countsOf(bob, others)).toEqual(full)
    expect((await ada.call('hi')).result).toEqual({ content: [{ type: 'text', text: 'hi' }] })
    // Alone, it answers for itself.
    if (how === 'is refused') {
      expect((await ada.request(failing)).error).toEqual(error)
      expect((await bob.request(failing)).error).toEqual(error)
    }
  })

  it.each(rows.filter(({ how }) => how === 'is refused'))(
    '$failing $how hides nothing of another server',
    async ({ failing, name }) => {
      const url = gateway.url(`${name}-and-good`)
      const ada = await openSession(url)
      const full = Object.fromEntries(methods.map((one) => [one, one === failing ? 1 : 2]))
      for (const client of [ada, modernWire(url)]) {
        await expect.poll(() => countsOf(client, methods)).toEqual(full)
      }
    },
  )

  it.each(rows.filter(({ how }) => how === 'is refused'))(
    '$failing $how is told, and stands among the problems of its profile',
    async ({ failing, name }) => {
      const profile = () => gateway.gateway.status().profiles.find((one) => one.name === name)
      const problem = `"${name}" does not answer ${failing}: the database is down`
      await expect.poll(() => profile()?.problems).toContain(problem)
      const told = { state: 'up', error: `${failing} failed: the database is down` }
      expect(profile()?.servers[0]).toMatchObject(told)
      expect(gateway.events).toContainEqual(
        expect.objectContaining({ event: 'upstream', server: name, ...told }),
      )
    },
  )
})
