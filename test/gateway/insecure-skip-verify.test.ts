import { describe, expect, it } from 'vitest'
import { startLocaltunnelServer } from '../emulators/localtunnel-server.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { resolveTestFile, startTestGateway } from '../fixtures/gateway.ts'
import { startHttpsFront } from '../fixtures/https-front.ts'
import { startServer } from '../fixtures/start-server.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'
import { createPrivateCa, serverOf, trustChanges } from './trust-lab.ts'

const closing = closeAfterEach()

async function startUpstream() {
  const plain = closing(await startServer('legacy-http'))
  const pair = await (await createPrivateCa()).issue(['127.0.0.1'])
  const { url } = closing(await startHttpsFront(plain.url, pair))
  return { servers: { corp: { url, tls: { insecureSkipVerify: true } } }, url }
}

describe('a server whose certificate is not checked', () => {
  it.each([
    ['on this machine', {}, 'up'],
    ['with a public address of the user', { appUrl: 'https://otter.example' }, 'failed'],
    [
      'on every address',
      { listen: { host: '0.0.0.0', httpPort: 0, httpsPort: 0, strictPort: false } },
      'failed',
    ],
  ] as const)('is, %s, %j: %s', async (_where, config, state) => {
    const { servers } = await startUpstream()
    const gateway = closing(await startTestGateway({ servers, config }))
    await expect.poll(() => serverOf(gateway, 'corp')?.state).toBe(state)
    if (state === 'failed') {
      expect(serverOf(gateway, 'corp')?.error).toMatch(
        /"insecureSkipVerify".*can be reached from beyond this machine.*pnpm sallyport ca add corp/,
      )
    }
    expect(gateway.events).toContainEqual(
      expect.objectContaining({ event: 'warning', code: 'TLS_NOT_VERIFIED' }),
    )
  })

  it('loses its connections when a tunnel comes up, and gets none while it is', async () => {
    const { servers } = await startUpstream()
    const edge = closing(await startLocaltunnelServer())
    const gateway = closing(
      await startTunnelledGateway({
        servers,
        order: ['localtunnel', 'local'],
        tunnels: { localtunnel: { host: edge.host.origin, subdomain: undefined } },
      }),
    )
    expect(trustChanges(gateway.events)).toContain('corp blocked')
    await expect.poll(() => serverOf(gateway, 'corp')?.state).toBe('failed')
    expect(serverOf(gateway, 'corp')?.error).toContain('--tunnel local')
  })

  it('is warned about when an edit of the configuration makes it so', async () => {
    const { servers, url } = await startUpstream()
    const gateway = closing(await startTestGateway({ servers: { corp: { url } } }))
    const warnings = () =>
      gateway.events.filter(
        (event) => event.event === 'warning' && event.code === 'TLS_NOT_VERIFIED',
      )
    expect(warnings()).toEqual([])
    const file = resolveTestFile(gateway.config, { servers })
    await gateway.gateway.applyFile(file)
    await gateway.gateway.applyFile(file)
    expect(warnings()).toHaveLength(1)
    await expect.poll(() => serverOf(gateway, 'corp')?.state).toBe('up')
  })
})
