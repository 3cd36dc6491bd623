import { describe, expect, it } from 'vitest'
import { connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { connectLegacyClient, httpTo } from '../fixtures/legacy-client.ts'

const closing = closeAfterEach()

describe('a shared stdio server', () => {
  it('is one process for every client, of both eras', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } }),
    )
    const kinds = ['v1 streamable HTTP', 'v1 HTTP+SSE', 'v2 modern'] as const
    const clients = await Promise.all(
      kinds.map(async (kind) => closing(await connectClient(kind, gateway.url()))),
    )
    const pids = await Promise.all(clients.map(async (client) => client.call('pid')))
    expect(new Set(pids.map((result) => JSON.stringify(result.content))).size).toBe(1)
  })

  it('asks the client that is calling, and nobody when two are', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } }),
    )
    const ada = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    const bob = closing(await connectClient('v1 streamable HTTP', gateway.url()))
    await ada.callJson('ask_user')
    expect(ada.asked).toHaveLength(1)
    expect(bob.asked).toHaveLength(0)

    const begun = Promise.withResolvers<void>()
    const busy = bob.call(
      'slow',
      { steps: 200, intervalMs: 5 },
      { onprogress: () => begun.resolve() },
    )
    await begun.promise
    await expect(ada.callJson('ask_user')).rejects.toThrow(/"isolation": "session"/)
    expect(bob.asked).toHaveLength(0)
    await busy
  })

  it('is told that nobody can answer when the client declared no such capability', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { one: stdioFixture('legacy-stdio.ts') } }),
    )
    const client = closing(await connectClient('v2 modern', gateway.url(), { capabilities: {} }))
    await expect(client.callJson('ask_model')).rejects.toThrow(/no connected client can answer/)
  })
})

describe('a server with isolation "session"', () => {
  it('runs once for each MCP session and sees that client alone', async () => {
    const sketch = { ...stdioFixture('legacy-stdio.ts'), isolation: 'session' as const }
    const gateway = closing(await startTestGateway({ servers: { one: sketch } }))
    const ada = closing(
      await connectLegacyClient(httpTo(gateway.url()), { capabilities: { roots: {} } }),
    )
    const bob = closing(await connectLegacyClient(httpTo(gateway.url()), { capabilities: {} }))
    const [pidOfAda, pidOfBob] = await Promise.all([ada.call('pid'), bob.call('pid')])
    expect(pidOfAda).not.toEqual(pidOfBob)
    expect(await ada.callJson('whoami')).toMatchObject({ capabilities: { roots: {} } })
    expect(await bob.callJson('whoami')).toMatchObject({ capabilities: {} })
  })
})

describe('forwardCaller', () => {
  it('tells the upstream who called, and only where it is configured', async () => {
    const one = stdioFixture('legacy-stdio.ts')
    const gateway = closing(
      await startTestGateway({ servers: { told: { ...one, forwardCaller: true }, untold: one } }),
    )
    const client = closing(await connectClient('v2 modern', gateway.url()))
    const { origin } = new URL(gateway.url())
    expect(await client.callJson('told__whoami')).toMatchObject({
      meta: {
        'dev.sallyport/caller': {
          profile: 'default',
          origin,
          protocolVersion: '2026-07-28',
          client: { name: 'modern-client' },
        },
      },
    })
    expect(JSON.stringify(await client.callJson('untold__whoami'))).not.toContain('dev.sallyport')
  })
})
