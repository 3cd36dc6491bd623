import { describe, expect, it } from 'vitest'
import type { GatewayFile } from '../../src/config/resolved-config.ts'
import { connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { resolveTestFile, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'

const closing = closeAfterEach()
const one = stdioFixture('legacy-stdio.ts', ['--name', 'one'])
const two = stdioFixture('legacy-stdio.ts', ['--name', 'two'])

describe('an edited configuration', () => {
  it.each(['v1 streamable HTTP', 'v2 modern'] as const)(
    'reaches a connected %s client, and unaffected servers go on running',
    async (kind) => {
      const gateway = closing(await startTestGateway({ servers: { one } }))
      const client = closing(await connectClient(kind, gateway.url()))
      if (kind === 'v2 modern') await client.follow('memo://counter')
      const pid = await client.call('pid')

      const edited = resolveTestFile(gateway.config, { servers: { one, two } })
      await gateway.gateway.applyFile(edited)
      await client.notifications.next('notifications/tools/list_changed')
      await expect
        .poll(async () => (await client.list('tools')).map(({ name }) => name))
        .toEqual(expect.arrayContaining(['one__pid', 'two__pid']))
      expect(await client.call('one__pid')).toEqual(pid)
      expect(gateway.events).toContainEqual({
        event: 'config',
        state: 'applied',
        changes: ['server "two" was added', 'profile "default" was changed'],
      })
    },
  )

  it('restarts a changed server and closes a removed one and a removed profile', async () => {
    const servers = { one, two }
    const gateway = closing(
      await startTestGateway({ servers, profiles: { extra: { servers: ['two'] } } }),
    )
    const client = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    const before = await client.call('one__pid')
    const extra = gateway.url('extra')

    const changed = { ...one, env: { CHANGED: 'yes' } }
    const edited: GatewayFile = resolveTestFile(gateway.config, { servers: { one: changed } })
    await gateway.gateway.applyFile(edited)
    expect(await client.call('pid')).not.toEqual(before)
    expect(
      (
        await fetch(extra, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        })
      ).status,
    ).toBe(404)
  })
})
