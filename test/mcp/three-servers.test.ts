import { describe, expect, it } from 'vitest'
import { clientKinds, connectClient } from '../fixtures/any-client.ts'
import { prepareUpstream } from '../fixtures/any-upstream.ts'
import { closeAfterEach, oneForAll } from '../fixtures/cleanup.ts'
import { startTestGateway } from '../fixtures/gateway.ts'

describe('a profile of three servers over stdio, HTTP and SSE', () => {
  const closing = closeAfterEach()

  const alpha = oneForAll(() => prepareUpstream('legacy stdio'))
  const beta = oneForAll(() => prepareUpstream('modern HTTP'))
  const gamma = oneForAll(() => prepareUpstream('legacy SSE'))
  const start = oneForAll(async () => {
    const [first, second, third] = await Promise.all([alpha(), beta(), gamma()])
    return startTestGateway({
      servers: { alpha: first.sketch, beta: second.sketch, gamma: third.sketch },
      profiles: {
        work: {
          tools: {
            deny: ['crash', 'gamma/*'],
            allow: [],
            rename: { 'alpha/echo': 'say' },
            describe: { 'beta/echo': 'Says it again.' },
          },
        },
        plain: { naming: 'plain', tools: { allow: ['echo', 'pid'] } },
      },
    })
  })

  it.each(clientKinds)('serves a %s client the tools of all three', async (kind) => {
    const gateway = await start()
    const client = closing(await connectClient(kind, gateway.url()))
    await expect
      .poll(async () => (await client.list('tools')).map(({ name }) => name))
      .toEqual(expect.arrayContaining(['alpha__echo', 'beta__echo', 'gamma__echo']))
    for (const server of ['alpha', 'beta', 'gamma']) {
      const result = await client.call(`${server}__echo`, { text: `hello ${server}` })
      expect(result.content).toEqual([{ type: 'text', text: `hello ${server}` }])
    }
  })

  it('filters, renames and describes as the profile says', async () => {
    const gateway = await start()
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url('work')))
    const tools = await client.list('tools')
    const names = tools.map(({ name }) => String(name))
    expect(names).toContain('say')
    expect(names.filter((name) => name.startsWith('gamma'))).toEqual([])
    expect(names).not.toContain('alpha__crash')
    expect(tools.find(({ name }) => name === 'beta__echo')?.description).toBe('Says it again.')
    expect(await client.call('say', { text: 'hi' })).toMatchObject({ content: [{ text: 'hi' }] })
    await expect(client.call('alpha__crash')).rejects.toMatchObject({ code: -32602 })
  })

  it('reports collisions and lets the first server in order win', async () => {
    const gateway = await start()
    const plain = () => gateway.gateway.status().profiles.find(({ name }) => name === 'plain')
    await expect.poll(() => plain()?.tools).toBe(2)
    expect(plain()?.problems).toContain(
      'The tool "echo" of "beta" is left out: "echo" is taken by "alpha".',
    )
  })

  it('finds resources, templates, prompts and completions at whoever has them', async () => {
    const gateway = await start()
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    const read = await client.request('resources/read', { uri: 'memo://notes/apples' })
    expect(JSON.stringify(read)).toContain('apples')
    const prompts = (await client.list('prompts')).map(({ name }) => name)
    expect(prompts).toContain('alpha__greet')
    const prompt = await client.request('prompts/get', {
      name: 'alpha__greet',
      arguments: { person: 'Ada' },
    })
    expect(JSON.stringify(prompt)).toContain('Greet Ada')
    const completion = await client.request('completion/complete', {
      ref: { type: 'ref/resource', uri: 'memo://notes/{topic}' },
      argument: { name: 'topic', value: 'ap' },
    })
    expect(completion).toMatchObject({ completion: { values: ['apples', 'apricots'] } })
  })

  it('passes log messages at the level a client asked for', async () => {
    const gateway = await start()
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    await client.request('logging/setLevel', { level: 'error' })
    await client.call('alpha__log', { message: 'one' })
    const { params } = await client.notifications.next('notifications/message')
    expect(params).toMatchObject({ level: 'error', data: { message: 'one' } })
    const levels = client.notifications.received.map((one) => one.params?.level)
    expect(new Set(levels.filter(Boolean))).toEqual(new Set(['error']))
  })

  it('keeps the level of each client although a shared server has only one', async () => {
    const gateway = await start()
    const quiet = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    const curious = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    await curious.request('logging/setLevel', { level: 'info' })
    await quiet.request('logging/setLevel', { level: 'error' })
    await curious.call('alpha__log')
    const { params } = await curious.notifications.next('notifications/message')
    expect(params).toMatchObject({ level: 'info' })
    await quiet.call('alpha__log')
    const heard = await quiet.notifications.next('notifications/message')
    expect(heard.params).toMatchObject({ level: 'error' })
  })
})
