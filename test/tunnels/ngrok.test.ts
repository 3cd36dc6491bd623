import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { NgrokOptions } from '../../src/tunnels/providers/ngrok.ts'
import { createTunnelProvider } from '../../src/tunnels/tunnel-providers.ts'
import { issueEdgeCertificate } from '../emulators/certificates.ts'
import { type NgrokEdge, startNgrokEdge } from '../emulators/ngrok-edge.ts'
import { startTarget } from './target.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { testTunnelProvider } from './tunnel-provider.contract.ts'
import { visit } from './visitor.ts'
import { createWorld } from './world.ts'

const authtoken = '2abcdefghijklmnopqrstuvwxyz_0123456789abcdefghij'
const signal = new AbortController().signal
const nowhere = new URL('http://127.0.0.1:9')

testTunnelProvider('ngrok', async () => {
  const certificate = await issueEdgeCertificate()
  const edge = await startNgrokEdge(certificate)
  const folder = await temporaryFolder()
  const caCertFile = join(folder.path, 'ca.pem')
  await writeFile(caCertFile, certificate.ca)
  const world = createWorld()
  const options = { authtoken, domain: undefined, serverAddr: edge.address, caCertFile }
  return {
    provider: createTunnelProvider('ngrok', options, world.dependencies),
    world,
    edge,
    locate: ({ host, port }) => ({ host, port: Number(port) }),
    secrets: [authtoken],
    async close() {
      await edge.close()
      await folder.remove()
      world.close()
    },
  }
})

describe('the ngrok provider', () => {
  async function setup(options: Partial<NgrokOptions> = {}) {
    const certificate = await issueEdgeCertificate()
    const edge = await startNgrokEdge(certificate)
    const folder = await temporaryFolder()
    const caCertFile = join(folder.path, 'ca.pem')
    await writeFile(caCertFile, certificate.ca)
    const world = createWorld()
    onTestFinished(async () => {
      await edge.close()
      await folder.remove()
      world.close()
    })
    const all = {
      authtoken,
      domain: undefined,
      serverAddr: edge.address,
      caCertFile,
      heartbeatSeconds: 1,
      ...options,
    }
    return { edge, world, provider: createTunnelProvider('ngrok', all, world.dependencies) }
  }

  const refusals = [
    [4018, 'TUNNEL_AUTH_REQUIRED'],
    [105, 'TUNNEL_TOKEN_INVALID'],
    [107, 'TUNNEL_TOKEN_INVALID'],
    [108, 'TUNNEL_SESSION_LIMIT'],
    [120, 'TUNNEL_CLIENT_OUTDATED'],
    [9009, 'TUNNEL_PROXY_REFUSED'],
    [727, 'TUNNEL_RATE_LIMITED'],
  ] as const

  it.each(refusals)('meets ERR_NGROK_%i with %s and shows no token', async (code, expected) => {
    const { edge, world, provider } = await setup()
    edge.refuseAuth(code, `authentication failed: no.\nYour authtoken: ${authtoken}`)
    const error = await provider.open(nowhere, { signal }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: expected, hint: expect.stringMatching(/\w/) })
    expect(`${inspect(error, { depth: 9 })}${world.logged()}`).not.toContain(authtoken)
    expect(world.running()).toEqual([])
  })

  it.each([
    [313, 'TUNNEL_NAME_REFUSED'],
    [319, 'TUNNEL_NAME_REFUSED'],
    [15013, 'TUNNEL_NAME_REFUSED'],
    [324, 'TUNNEL_ENDPOINT_LIMIT'],
  ] as const)('meets ERR_NGROK_%i of an endpoint with %s', async (code, expected) => {
    const { edge, provider } = await setup({ domain: 'mine.ngrok.app' })
    edge.refuseBind(code)
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({ code: expected })
  })

  it('says that its domain is online elsewhere', async () => {
    const { edge, provider } = await setup({ domain: 'https://mine.ngrok.app/' })
    edge.occupy('mine.ngrok.app')
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_NAME_TAKEN',
    })
  })

  it('shows the own words of a failure it does not know', async () => {
    const { edge, provider } = await setup()
    edge.refuseAuth(9999, `the moon is wrong for token: ${authtoken}`)
    const error = await provider.open(nowhere, { signal }).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'TUNNEL_CLIENT_ENDED' })
    expect((error as Error).message).toMatch(/moon is wrong for token: REDACTED.*ERR_NGROK_9999/s)
  })

  it('says within two seconds that ngrok cannot be reached', async () => {
    const { edge, provider } = await setup({ timeoutMs: 2_000 })
    await edge.refuse()
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_UNREACHABLE',
    })
  })

  it('gives up on an edge that takes the connection and never answers', async () => {
    const { edge, world, provider } = await setup({ timeoutMs: 500 })
    edge.silence()
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_SILENT',
    })
    expect(world.running()).toEqual([])
  })

  it('does not trust an edge of an unknown authority', async () => {
    const { provider } = await setup({ caCertFile: undefined })
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_UNTRUSTED',
    })
  })

  it('was not asked for without a token, and says when its CA file is missing', async () => {
    const anonymous = await setup({ authtoken: ' ' })
    expect(await anonymous.provider.check()).toMatchObject({
      configured: false,
      code: 'TUNNEL_AUTH_REQUIRED',
    })
    const lost = await setup({ caCertFile: '/nowhere/ca.pem' })
    expect(await lost.provider.check()).toMatchObject({ configured: true, ok: false })
    await expect(lost.provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_UNTRUSTED',
      message: expect.stringContaining('/nowhere/ca.pem'),
    })
  })

  it('tells the service where it leads, but not the name of this machine or program', async () => {
    const { edge, provider } = await setup()
    await (await provider.open(nowhere, { signal })).close()
    expect(edge.binds.map(({ ForwardsTo }) => ForwardsTo)).toEqual(['http://127.0.0.1:9/'])
  })

  const ends: { when: string; happen: (edge: NgrokEdge) => unknown }[] = [
    { when: 'the edge goes silent', happen: (edge) => edge.silence() },
    {
      when: 'heartbeats are not answered',
      happen: (edge) => edge.answerHeartbeats(false),
    },
    { when: 'the edge stops the endpoint', happen: (edge) => edge.stopEndpoints() },
    { when: 'the edge is gone', happen: (edge) => edge.refuse() },
    {
      when: 'the token is revoked',
      happen(edge) {
        edge.refuseAuth(107)
        edge.dropSockets()
      },
    },
  ]

  it.each(ends)('ends as lost when $when', async ({ happen }) => {
    const { edge, world, provider } = await setup()
    const tunnel = await provider.open(nowhere, { signal })
    await happen(edge)
    expect(await tunnel.ended).toMatchObject({
      reason: 'lost',
      detail: expect.stringMatching(/\w/),
    })
    expect(world.running()).toEqual([])
  })

  it('says what is wrong with a revoked token when it is opened again', async () => {
    const { edge, provider } = await setup()
    const tunnel = await provider.open(nowhere, { signal })
    edge.refuseAuth(107)
    await tunnel.close()
    await expect(provider.open(nowhere, { signal })).rejects.toMatchObject({
      code: 'TUNNEL_TOKEN_INVALID',
    })
  })

  it.each(['dropSockets', 'goAway'] as const)('keeps its address after %s', async (happening) => {
    const { edge, provider } = await setup()
    const target = await startTarget()
    const tunnel = await provider.open(target.url, { signal })
    edge[happening]()
    const { host, port } = tunnel.publicUrl
    const answer = async () => (await visit({ host, port: Number(port) }, '/hello')).text
    await expect.poll(answer).toBe('hello GET')
    await tunnel.close()
    await target.stop()
  })
})
