import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenge, selectScopes } from '../../../src/oauth/client/challenge.ts'
import {
  canonicalResource,
  isResourceOf,
  issuerMetadataUrls,
  resourceMetadataUrls,
} from '../../../src/oauth/client/discovery.ts'
import { loginNeededOf } from '../../../src/oauth/client/upstream-auth-error.ts'

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

describe('well-known addresses', () => {
  it('of a resource are its path form, then the root', () => {
    expect(resourceMetadataUrls('https://a.example/b/mcp')).toEqual([
      'https://a.example/.well-known/oauth-protected-resource/b/mcp',
      'https://a.example/.well-known/oauth-protected-resource',
    ])
    expect(resourceMetadataUrls('https://a.example/')).toEqual([
      'https://a.example/.well-known/oauth-protected-resource',
    ])
  })

  it('of an issuer are inserted twice, then appended', () => {
    expect(issuerMetadataUrls('https://a.example/t1')).toEqual([
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
  ])('the server %s may be spoken for as %s: %s', (server, resource, expected) => {
    expect(isResourceOf(server, resource)).toBe(expected)
  })

  it.each([
    ['https://a.example/mcp/', 'https://a.example/mcp'],
    ['https://a.example/', 'https://a.example'],
    ['https://a.example/mcp#x', 'https://a.example/mcp'],
    ['https://a.example/mcp?a=b', 'https://a.example/mcp?a=b'],
  ])('the resource of %s is %s', (server, resource) => {
    expect(canonicalResource(server)).toBe(resource)
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

describe('errors', () => {
  it('name no login where there is none', () => {
    expect(loginNeededOf(new Error('a', { cause: new Error('b') }))).toBeUndefined()
    expect(loginNeededOf('text')).toBeUndefined()
  })
})
