import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../cli/helpers.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import {
  isTold,
  modernWire,
  openSession,
  seenBy,
  type WireMessage,
} from '../fixtures/wire-client.ts'

const task = (name: string) => ({ taskId: `task-of-${name}`, status: 'working' })
const related = (name: string) => ({
  'io.modelcontextprotocol/related-task': { taskId: `task-of-${name}` },
})

const serverOf = (name: string, capabilities: object) =>
  stdioFixture('scripted-stdio.ts', [
    JSON.stringify({
      initialize: { capabilities: { tools: {}, ...capabilities } },
      'skills/list': { skills: [name] },
      'x-search/run': { found: name },
      'anything/at/all': { by: name },
      'tools/call hi': [
        { id: '$id', result: { task: task(name) } },
        { method: 'notifications/tasks/status', params: task(name) },
      ],
      'tasks/get': { ...task(name), status: 'completed' },
      'tasks/result': { content: [], _meta: related(name) },
      'tasks/list': { tasks: [task(name)] },
      'tasks/cancel': { ...task(name), status: 'cancelled' },
    }),
  ])
const tasks = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({
    servers: {
      skilled: serverOf('skilled', { extensions: { 'com.example/skills': {} }, ...tasks }),
      searching: serverOf('searching', { experimental: { 'x-search': {} } }),
      twin: serverOf('twin', { experimental: { 'x-search': {} } }),
    },
    profiles: {
      alone: { servers: ['skilled'] },
      pair: { servers: ['searching', 'skilled'] },
      twins: { servers: ['searching', 'twin'] },
    },
  })
  for (const { name, servers } of gateway.gateway.status().profiles) {
    const isUp = () =>
      gateway.gateway
        .status()
        .profiles.find((one) => one.name === name)
        ?.servers.filter(({ state }) => state === 'up').length
    await until(() => isUp() === servers.length, { what: 'all are up' })
  }
})
afterAll(() => gateway.close())

const eras = ['2025', '2026'] as const
const open = async (era: (typeof eras)[number], profile: string) =>
  era === '2025' ? openSession(gateway.url(profile)) : modernWire(gateway.url(profile))
/** Without what 2026 adds to every result. */
const plain = ({ result = {} }: WireMessage) => {
  const { resultType: _type, _meta: _about, ...rest } = result
  return rest
}

describe('a method that nobody here has heard of', () => {
  it.each(eras)('passes to the one server of a profile (%s client)', async (era) => {
    const client = await open(era, 'alone')
    expect(plain(await client.request('anything/at/all', { a: 1 }))).toEqual({ by: 'skilled' })
    const { error } = await client.request('nobody/knows')
    expect(error).toEqual({ code: -32601, message: 'Method not found' })
    const seen = (await seenBy(client)).find(({ method }) => method === 'anything/at/all')
    expect(seen?.params).toMatchObject({ a: 1 })
  })

  it.each(eras)('goes to the server of several that announced it (%s client)', async (era) => {
    const client = await open(era, 'pair')
    expect(plain(await client.request('skills/list'))).toEqual({ skills: ['skilled'] })
    expect(plain(await client.request('x-search/run'))).toEqual({ found: 'searching' })
  })

  it.each(eras)('is refused where nobody, or several, announced it (%s client)', async (era) => {
    expect((await (await open(era, 'pair')).request('anything/at/all')).error).toEqual({
      code: -32601,
      message: 'Method not found: no server of this profile announced it',
    })
    expect((await (await open(era, 'twins')).request('x-search/run')).error).toEqual({
      code: -32601,
      message: 'Method not found: several servers of this profile announced it: searching, twin',
    })
  })
})

describe('tasks of 2025-11-25', () => {
  it.each([
    ['alone', 'hi'],
    ['pair', 'skilled__hi'],
  ])('pass in the profile "%s"', async (profile, name) => {
    const ada = await openSession(gateway.url(profile))
    expect(ada.opened).toMatchObject({ capabilities: tasks })
    const stream = await ada.listen()
    const made = await ada.request('tools/call', { name, arguments: {}, task: { ttl: 60_000 } })
    expect(made.result).toEqual({ task: task('skilled') })
    const told = await stream.next(isTold('notifications/tasks/status'))
    expect(told.params).toEqual(task('skilled'))
    const about = { taskId: 'task-of-skilled' }
    expect((await ada.request('tasks/get', about)).result).toMatchObject({ status: 'completed' })
    const _meta = related('skilled')
    expect((await ada.request('tasks/result', about)).result).toEqual({ content: [], _meta })
    expect((await ada.request('tasks/list')).result).toEqual({ tasks: [task('skilled')] })
    expect((await ada.request('tasks/cancel', about)).result).toMatchObject({ status: 'cancelled' })
    stream.leave()
    await ada.end()
  })

  it('that nobody made are unknown where several servers could have', async () => {
    const ada = await openSession(gateway.url('pair'))
    const { error } = await ada.request('tasks/get', { taskId: 'none' })
    expect(error).toMatchObject({ code: -32602, message: 'Unknown task: "none"' })
  })
})
