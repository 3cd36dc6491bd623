import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApiKeys } from '../../src/oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { until } from '../cli/helpers.ts'
import { freePort, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { isTold, openSession, takeUpSession, type WireSession } from '../fixtures/wire-client.ts'

const task = (taskId: string) => ({ taskId, status: 'working' })
const tasks = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }

/** A server whose tools make each the task that they are called after. */
const serverOf = (name: string, nextCursor?: string) =>
  stdioFixture('scripted-stdio.ts', [
    JSON.stringify({
      initialize: { capabilities: { tools: {}, ...tasks } },
      ...Object.fromEntries(
        ['first', 'second', 'both'].map((taskId) => [
          `tools/call ${taskId}`,
          [
            { id: '$id', result: { task: task(taskId) } },
            { method: 'notifications/tasks/status', params: task(taskId) },
          ],
        ]),
      ),
      'tasks/get': { by: name },
      'tasks/result': { by: name },
      'tasks/cancel': { by: name },
      'tasks/list': {
        tasks: ['first', 'second', 'both'].map((one) => ({ ...task(one), by: name })),
        ...(nextCursor && { nextCursor }),
      },
    }),
  ])

let folder: string
let listen: { host: string; httpPort: number; httpsPort: number; strictPort: boolean }
let gateway: Awaited<ReturnType<typeof start>>
let keys: { ada: object; bob: object }

const start = async () => {
  const started = await startTestGateway({
    servers: {
      one: serverOf('one', 'more'),
      two: serverOf('two'),
      own: { ...serverOf('own'), isolation: 'session' } as ReturnType<typeof serverOf>,
    },
    profiles: {
      open: { servers: ['one'] },
      keyed: { servers: ['one'], auth: 'key' },
      pair: { servers: ['one', 'two'] },
      own: { servers: ['own'] },
    },
    config: { home: join(folder, '.sallyport'), listen },
  })
  const states = () =>
    started.gateway.status().profiles.flatMap(({ servers }) => servers.map(({ state }) => state))
  await until(() => states().every((state) => state === 'up'), { what: 'all are up' })
  return started
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-tasks-'))
  const [httpPort, httpsPort] = [await freePort(), await freePort()]
  listen = { host: '127.0.0.1', httpPort, httpsPort, strictPort: true }
  gateway = await start()
  const store = openSqliteStore(join(gateway.config.home, 'state.sqlite'))
  const apiKeys = createApiKeys({ store, now: Date.now })
  const headersOf = async () => ({
    authorization: `Bearer ${(await apiKeys.create({ profile: 'keyed' })).key}`,
  })
  keys = { ada: await headersOf(), bob: await headersOf() }
  store.close()
})
afterAll(async () => {
  await gateway.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

const make = (session: WireSession, name: string) =>
  session.request('tools/call', { name, arguments: {}, task: {} })
const listed = async (session: WireSession, cursor?: unknown) => {
  const { result } = await session.request('tasks/list', cursor === undefined ? {} : { cursor })
  const { tasks: found, nextCursor } = result as { tasks: { taskId: string; by: string }[] } & {
    nextCursor?: string
  }
  return { tasks: found.map(({ taskId, by }) => `${taskId} by ${by}`), nextCursor }
}
const unknown = (taskId: string) => ({ code: -32602, message: `Unknown task: "${taskId}"` })
const methods = ['tasks/get', 'tasks/result', 'tasks/cancel']

describe('a task on a server that several clients share', () => {
  it('is known to the session that had it made, and to no other of an open profile', async () => {
    const [ada, bob] = [
      await openSession(gateway.url('open')),
      await openSession(gateway.url('open')),
    ]
    const [toAda, toBob] = [await ada.listen(), await bob.listen()]
    await make(ada, 'first')
    await make(bob, 'second')
    const isStatus = isTold('notifications/tasks/status')
    expect((await toAda.next(isStatus)).params).toEqual(task('first'))
    expect((await toBob.next(isStatus)).params).toEqual(task('second'))
    expect([toAda.messages.length, toBob.messages.length]).toEqual([1, 1])
    for (const method of methods) {
      expect((await ada.request(method, { taskId: 'first' })).result).toEqual({ by: 'one' })
      expect((await bob.request(method, { taskId: 'first' })).error).toEqual(unknown('first'))
    }
    expect(await listed(ada)).toEqual({ tasks: ['first by one'], nextCursor: 'more' })
    expect(await listed(bob)).toEqual({ tasks: ['second by one'], nextCursor: 'more' })
    for (const { leave } of [toAda, toBob]) leave()
    await Promise.all([ada.end(), bob.end()])
  })

  it('is known to its caller in every session, also after a restart, and to no other', async () => {
    const openAs = (who: keyof typeof keys) =>
      openSession(gateway.url('keyed'), { headers: keys[who] as Record<string, string> })
    const ada = await openAs('ada')
    await make(ada, 'first')
    for (const when of ['before', 'after']) {
      if (when === 'after') {
        await gateway.close()
        gateway = await start()
      }
      const [again, bob] = [await openAs('ada'), await openAs('bob')]
      const same = takeUpSession(gateway.url('keyed'), ada.id, keys.ada as Record<string, string>)
      for (const session of [again, same]) {
        expect((await session.request('tasks/get', { taskId: 'first' })).result).toEqual({
          by: 'one',
        })
      }
      expect((await listed(again)).tasks).toEqual(['first by one'])
      expect((await bob.request('tasks/get', { taskId: 'first' })).error).toEqual(unknown('first'))
      expect((await listed(bob)).tasks).toEqual([])
    }
  })

  it('passes as it is where each session has a server of its own', async () => {
    const ada = await openSession(gateway.url('own'))
    await ada.call('hi')
    expect((await ada.request('tasks/get', { taskId: 'any' })).result).toEqual({ by: 'own' })
    expect((await listed(ada)).tasks).toHaveLength(3)
    await ada.end()
  })
})

describe('tasks of several servers', () => {
  it('are listed one server after the other', async () => {
    const ada = await openSession(gateway.url('pair'))
    await make(ada, 'one__first')
    await make(ada, 'two__second')
    const first = await listed(ada)
    expect(first.tasks).toEqual(['first by one'])
    // The script gives the same page for any cursor.
    expect(await listed(ada, first.nextCursor)).toEqual(first)
    expect((await ada.request('tasks/list', { cursor: 'none of yours' })).error).toEqual({
      code: -32602,
      message: 'Invalid cursor',
    })
    await ada.end()
  })

  it('of the same name are never taken for one another', async () => {
    const ada = await openSession(gateway.url('pair'))
    await make(ada, 'two__both')
    expect((await ada.request('tasks/get', { taskId: 'both' })).result).toEqual({ by: 'two' })
    await make(ada, 'one__both')
    for (const method of methods) {
      const { error } = await ada.request(method, { taskId: 'both' })
      expect(error).toEqual({
        code: -32602,
        message: 'Several servers of this profile made a task "both": one, two',
      })
    }
    await ada.end()
  })
})
