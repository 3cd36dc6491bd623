import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenge, selectScopes } from '../../../src/oauth/client/challenge.ts'
import { discoverIssuer, discoverResource } from '../../../src/oauth/client/discovery.ts'

describe('a challenge', () => {
  it.each([
    [undefined, undefined, undefined, undefined],
    ['Basic realm="x"', undefined, undefined, undefined],
    ['Bearer', undefined, undefined, undefined],
    ['bearer scope="a b"', undefined, ['a', 'b'], undefined],
    ['Bearer scope=a, error=invalid_token', undefined, ['a'], 'invalid_token'],
    ['Bearer scope=""', undefined, undefined, undefined],
    [
      'Bearer resource_metadata="https://a.example/x?y=1,2"',
      'https://a.example/x?y=1,2',
      undefined,
      undefined,
    ],
    ['Basic realm="a, Bearer scope=z", Bearer scope="b"', undefined, ['b'], undefined],
    ['Bearer scope="b", Basic realm="x", error="no"', undefined, ['b'], undefined],
    ['Bearer error="a\\"b"', undefined, undefined, 'a"b'],
    ['Bearer scope="a", scope="b"', undefined, ['a'], undefined],
  ])('%j is read', (header, resourceMetadata, scopes, error) => {
    expect(parseChallenge(header)).toEqual({ resourceMetadata, scopes, error })
  })

  it('of any text is read without failing', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseChallenge(`Bearer ${text}`)))
  })
})

/** A fetch that finds nothing but `metadata`, and the addresses it was asked for. */
function fetchFinding(metadata?: object) {
  const asked: string[] = []
  const fetch = async (url: string | URL) => {
    asked.push(String(url))
    return metadata ? Response.json(metadata) : new Response('', { status: 404 })
  }
  return { asked, fetch }
}

describe('well-known addresses', () => {
  it.each([
    [
      'https://a.example/b/mcp',
      [
        'https://a.example/.well-known/oauth-protected-resource/b/mcp',
        'https://a.example/.well-known/oauth-protected-resource',
      ],
    ],
    ['https://a.example/', ['https://a.example/.well-known/oauth-protected-resource']],
  ])('of the resource %s are its path form, then the root', async (server, addresses) => {
    const { asked, fetch } = fetchFinding()
    await discoverResource(fetch, server, undefined)
    expect(asked).toEqual(addresses)
  })

  it('of an issuer are inserted twice, then appended', async () => {
    const { asked, fetch } = fetchFinding()
    await expect(discoverIssuer(fetch, 'https://a.example/t1')).rejects.toMatchObject({
      failure: 'no-metadata',
    })
    expect(asked).toEqual([
      'https://a.example/.well-known/oauth-authorization-server/t1',
      'https://a.example/.well-known/openid-configuration/t1',
      'https://a.example/t1/.well-known/openid-configuration',
    ])
  })

  it.each([
    ['https://a.example/mcp', 'https://a.example/mcp', true],
    ['https://a.example/mcp', 'https://a.example/mcp/', true],
    ['https://a.example/mcp', 'https://a.example', true],
    ['https://a.example/mcp/x', 'https://a.example/mcp', true],
    ['https://a.example/mcpx', 'https://a.example/mcp', false],
    ['https://a.example/mcp', 'https://a.example/mcp/x', false],
    ['https://a.example/mcp', 'https://a.example.evil.example/mcp', false],
    ['https://a.example/mcp', 'http://a.example/mcp', false],
    ['https://a.example/mcp', 'https://a.example:444/mcp', false],
    ['https://a.example/mcp', 'https://a.example/mcp?tenant=2', false],
    ['https://a.example/mcp', 'not a url', false],
  ])('the server %s may be spoken for as %s: %s', async (server, resource, expected) => {
    const found = discoverResource(fetchFinding({ resource }).fetch, server, undefined)
    if (expected) expect(await found).toMatchObject({ resource })
    else await expect(found).rejects.toMatchObject({ failure: 'resource-mismatch' })
  })

  it.each([
    ['https://a.example/mcp/', 'https://a.example/mcp'],
    ['https://a.example/', 'https://a.example'],
    ['https://a.example/mcp#x', 'https://a.example/mcp'],
    ['https://a.example/mcp?a=b', 'https://a.example/mcp?a=b'],
  ])('the resource of %s is %s', async (server, resource) => {
    const { fetch } = fetchFinding()
    expect(await discoverResource(fetch, server, undefined)).toMatchObject({ resource })
  })
})

describe('the scopes to ask for', () => {
  const nothing = {
    configured: undefined,
    challenged: undefined,
    listed: undefined,
    steppedUp: [],
    issuerKnows: ['offline_access'],
    mayRefresh: true,
  }

  it.each([
    [{}, []],
    [{ listed: ['l'] }, ['l', 'offline_access']],
    [{ listed: ['l'], challenged: ['c'] }, ['c', 'offline_access']],
    [{ listed: ['l'], challenged: ['c'], configured: ['x'] }, ['x', 'offline_access']],
    [{ challenged: ['c'], steppedUp: ['s', 'c'] }, ['c', 's', 'offline_access']],
    [{ challenged: ['c'], issuerKnows: undefined }, ['c']],
    [{ challenged: ['c'], mayRefresh: false }, ['c']],
  ])('from %j are %j', (from, scopes) => {
    expect(selectScopes({ ...nothing, ...from })).toEqual(scopes)
  })
})
