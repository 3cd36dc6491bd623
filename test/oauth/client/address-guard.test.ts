import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createGuardedFetch, type ResolveAddresses } from '../../../src/lib/guarded-fetch.ts'
import { type AddressZone, zoneOfAddress } from '../../../src/lib/hosts.ts'
import { discoverIssuer, discoverResource } from '../../../src/oauth/client/discovery.ts'
import { guardOf } from '../../../src/oauth/client/issuer-access.ts'
import { defaultAuth } from '../default-auth.ts'
import { closeServer, listen } from './foreign-issuer.ts'

describe('the zone of an address', () => {
  it.each<[string, AddressZone]>([
    ['93.184.215.14', 'public'],
    ['172.15.255.255', 'public'],
    ['172.16.0.1', 'private'],
    ['172.32.0.0', 'public'],
    ['10.0.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['100.128.0.1', 'public'],
    ['169.254.169.254', 'link-local'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.1', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['255.255.255.255', 'private'],
    ['224.0.0.1', 'private'],
    ['192.0.0.8', 'private'],
    ['192.0.2.1', 'private'],
    ['192.88.99.1', 'private'],
    ['198.19.255.255', 'private'],
    ['198.20.0.1', 'public'],
    ['198.51.100.1', 'private'],
    ['203.0.113.1', 'private'],
    ['240.0.0.1', 'private'],
    ['2606:4700::6810:84e5', 'public'],
    ['::1', 'loopback'],
    ['::', 'loopback'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fd00::1', 'private'],
    ['fec0::1', 'private'],
    ['ff02::1', 'private'],
    ['100::1', 'private'],
    ['2001::1', 'private'],
    ['2001:db8::1', 'private'],
    ['3fff::1', 'private'],
    ['64:ff9b:1::7f00:1', 'loopback'],
    ['::ffff:0:7f00:1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:93.184.215.14', 'public'],
    ['::127.0.0.1', 'loopback'],
    ['64:ff9b::a9fe:a9fe', 'link-local'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:0a00:0001::', 'private'],
  ])('%s is %s', (address, zone) => {
    expect(zoneOfAddress(address)).toBe(zone)
  })
})

describe('the zones that metadata may lead to', () => {
  it.each<[string, boolean, AddressZone[]]>([
    ['https://mcp.example/mcp', false, ['public']],
    ['https://mcp.example/mcp', true, ['public', 'private']],
    ['https://93.184.215.14/mcp', false, ['public']],
    ['https://10.1.2.3/mcp', false, ['private', 'public']],
    ['http://localhost:3000/mcp', false, ['loopback', 'private', 'public']],
    ['http://[::1]:3000/mcp', false, ['loopback', 'private', 'public']],
    ['https://169.254.10.1/mcp', false, ['link-local', 'public']],
  ])('of %s (private network allowed: %s) is %j', (url, allowPrivateNetwork, zones) => {
    const auth = { ...defaultAuth, allowPrivateNetwork }
    expect([...guardOf({ name: 'notes', url, auth }).zones].sort()).toEqual(zones.sort())
  })
})

describe('the guarded fetch, for a public server', () => {
  const open: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of open.splice(0)) await close()
  })

  async function serve(handler: RequestListener): Promise<string> {
    const { server, origin } = await listen()
    server.on('request', handler)
    open.push(() => closeServer(server))
    return origin
  }

  const fetchFor = (serverUrl: string, resolve?: ResolveAddresses) =>
    createGuardedFetch({
      ...guardOf({ name: 'notes', url: serverUrl, auth: defaultAuth }),
      zones: new Set<AddressZone>(['public']),
      timeoutMs: 2_000,
      ...(resolve && { resolve }),
    })

  it.each([
    'http://mcp.example/',
    'https://127.0.0.1/',
    'http://127.0.0.1:8080/',
    'https://localhost/',
    'https://sub.localhost/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://0/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://[fd00::1]/',
    'https://user:secret@mcp.example/',
    'file:///etc/passwd',
    'ftp://mcp.example/',
  ])('refuses %s without contacting it', async (url) => {
    const resolve = () => Promise.reject(new Error('nothing is resolved'))
    await expect(fetchFor('https://mcp.example/mcp', resolve)(url)).rejects.toMatchObject({
      failure: 'address-refused',
    })
  })

  it.each([
    ['leads to this machine', ['127.0.0.1']],
    ['leads into the network', ['10.0.0.7']],
    ['leads to a cloud’s credentials', ['169.254.169.254']],
    ['leads to this machine among others', ['93.184.215.14', '::1']],
  ])('refuses a name that %s, at the moment it connects', async (_, addresses) => {
    const fetch = fetchFor('https://mcp.example/mcp', async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
    await expect(fetch('https://issuer.example/')).rejects.toMatchObject({
      failure: 'address-refused',
      message: expect.stringContaining('https://issuer.example/'),
    })
  })

  it('refuses a redirect to this machine', async () => {
    const hits: string[] = []
    const inner = await serve((request, response) => {
      hits.push(request.url ?? '')
      response.end('secret')
    })
    const outer = await serve((_, response) => {
      response.writeHead(302, { location: `${inner}/admin` }).end()
    })
    await expect(fetchFor(outer)(outer, { follow: true })).rejects.toMatchObject({
      failure: 'address-refused',
    })
    expect(hits).toEqual([])
  })

  it('follows three redirects, and no more', async () => {
    const origin = await serve((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) response.end('there')
      else response.writeHead(302, { location: `/${left - 1}` }).end()
    })
    const fetch = fetchFor(origin)
    expect(await (await fetch(`${origin}/3`, { follow: true })).text()).toBe('there')
    await expect(fetch(`${origin}/4`, { follow: true })).rejects.toThrow(/redirects too often/)
    expect((await fetch(`${origin}/1`)).status).toBe(302)
  })

  it.each([
    ['as large as allowed', 256 * 1024, false],
    ['a byte larger', 256 * 1024 + 1, true],
  ])('reads an answer %s', async (_, size, isRefused) => {
    const origin = await serve((_request, response) => {
      response.end(Buffer.alloc(size, 32))
    })
    const answer = fetchFor(origin)(origin)
    if (isRefused) await expect(answer).rejects.toMatchObject({ failure: 'answer-invalid' })
    else expect((await answer).status).toBe(200)
  })

  it('gives up on an answer that does not end', async () => {
    const origin = await serve((_, response) => {
      response.write(' ')
    })
    const fetch = createGuardedFetch({
      serverUrl: origin,
      zones: new Set<AddressZone>(['loopback']),
      named: 'a test named',
      timeoutMs: 50,
    })
    await expect(fetch(origin)).rejects.toMatchObject({ failure: 'unreachable' })
  })

  it('contacts no issuer on this machine that its metadata names', async () => {
    const hits: string[] = []
    const inner = await serve((request, response) => {
      hits.push(request.url ?? '')
      response.end()
    })
    const server = await serve((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ resource: server, authorization_servers: [inner] }))
    })
    const { issuers } = await discoverResource(fetchFor(server), server, undefined)
    await expect(discoverIssuer(fetchFor(server), issuers[0] ?? '')).rejects.toMatchObject({
      failure: 'address-refused',
      hint: expect.stringContaining('allowPrivateNetwork'),
    })
    await expect(
      discoverResource(fetchFor('https://mcp.example/mcp'), 'https://mcp.example/mcp', inner),
    ).rejects.toMatchObject({ failure: expect.stringMatching(/refused|unreachable/) })
    expect(hits).toEqual([])
  })
})
