import { describe, expect, it } from 'vitest'
import { type AnyClient, clientKinds, connectClient } from '../fixtures/any-client.ts'
import { prepareUpstream, upstreamKinds } from '../fixtures/any-upstream.ts'
import { closeAfterEach, oneForAll } from '../fixtures/cleanup.ts'
import { startTestGateway } from '../fixtures/gateway.ts'

// Every kind of client against every kind of upstream: what one says, the other hears. The clients
// of an upstream share it and its gateway, and leave marks there: each looks at its own.
describe.each(upstreamKinds)('%s upstream', (upstreamKind) => {
  const upstream = oneForAll(() => prepareUpstream(upstreamKind))
  const gateway = oneForAll(async () =>
    startTestGateway({ servers: { one: (await upstream()).sketch } }),
  )

  describe.each(clientKinds)('%s client', (clientKind) => {
    const closing = closeAfterEach()
    const connect = async (): Promise<AnyClient> =>
      closing(await connectClient(clientKind, (await gateway()).url()))

    it('passes definitions, results, errors and unknown fields unchanged', async () => {
      const client = await connect()
      const tools = await client.list('tools')
      expect(tools.find(({ name }) => name === 'add')).toMatchObject({
        title: 'Addition',
        outputSchema: { properties: { sum: { type: 'number' } } },
        annotations: { readOnlyHint: true },
        _meta: { 'example.com/kind': 'arithmetic' },
      })
      expect(await client.call('add', { a: 2, b: 3 })).toMatchObject({
        structuredContent: { sum: 5 },
      })
      expect(await client.call('unknown_fields')).toMatchObject({
        'x-unknown-result': { kept: true, nested: [1, null, 'two'] },
        _meta: { 'example.com/result': { kept: true } },
      })
      await expect(client.call('fail_with_code')).rejects.toMatchObject({
        code: -32050,
        message: expect.stringContaining('the quota is used up'),
        data: { retryAfter: 30, scope: 'daily' },
      })
      await expect(client.call('no_such_tool')).rejects.toMatchObject({ code: -32602 })
    })

    it('carries progress down and cancellation up', async () => {
      const client = await connect()
      const cancelled = async () => Number(textOf(await client.call('cancellations')))
      const before = await cancelled()
      const steps: number[] = []
      await client.call(
        'slow',
        { steps: 3, intervalMs: 5 },
        { onprogress: ({ progress }) => steps.push(progress) },
      )
      expect(steps).toEqual([1, 2, 3])

      const abort = new AbortController()
      const begun = Promise.withResolvers<void>()
      const endless = client.call(
        'slow',
        { steps: 1e6, intervalMs: 5 },
        {
          signal: abort.signal,
          onprogress: () => begun.resolve(),
        },
      )
      await begun.promise
      abort.abort(new Error('not needed any more'))
      await expect(endless).rejects.toThrow()
      await expect.poll(cancelled).toBe(before + 1)
    })

    it('announces changed lists and changed resources', async () => {
      const client = await connect()
      await client.follow('memo://counter')
      await client.call('touch')
      const updated = await client.notifications.next('notifications/resources/updated')
      expect(updated.params).toMatchObject({ uri: 'memo://counter' })

      const late = `late for ${clientKind}`.replaceAll(/\W/g, '_')
      await client.call('grow', { name: late })
      // On a busy machine the first one tells of the server's own start.
      const isListed = async () => (await client.list('tools')).some(({ name }) => name === late)
      do await client.notifications.next('notifications/tools/list_changed')
      while (!(await isListed()))
    })

    it('lets the upstream ask the user, the model and for roots during a call', async () => {
      const client = await connect()
      expect(await client.callJson('ask_user')).toMatchObject(
        upstreamKind.startsWith('modern')
          ? { name: 'Ada' }
          : { action: 'accept', content: { name: 'Ada' } },
      )
      expect(JSON.stringify(await client.callJson('ask_model'))).toContain('fixture-model')
      expect(await client.callJson('ask_roots')).toHaveProperty('roots.0.name', 'ada')
      expect(new Set(client.asked.map(({ method }) => method))).toEqual(
        new Set(['elicitation/create', 'sampling/createMessage', 'roots/list']),
      )
    })
  })
})

function textOf(result: Record<string, unknown>): string {
  return (result.content as { text: string }[])[0]?.text ?? ''
}
