import { describe, expect, it } from 'vitest'
import { normalizeRegistration } from '../../../src/oauth/authorization-server/registration.ts'

const good: [string, string[], 'native' | 'web'][] = [
  ['Claude Code', ['http://localhost:54545/callback'], 'native'],
  ['claude.ai', ['https://claude.ai/api/mcp/auth_callback'], 'web'],
  ['Cursor', ['cursor://anysphere.cursor-mcp/oauth/callback'], 'native'],
  ['VS Code', ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'], 'native'],
  ['an IPv6 loopback', ['http://[::1]:1234/cb'], 'native'],
  ['a reverse domain scheme', ['com.example.app:/cb'], 'native'],
]
const bad: [string, unknown][] = [
  ['nothing', undefined],
  ['an empty list', []],
  ['text', 'https://a.example/'],
  ['too many', Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`)],
  ['a script', ['javascript:alert(1)']],
  ['data', ['data:text/html,x']],
  ['a file', ['file:///etc/passwd']],
  ['plain HTTP elsewhere', ['http://a.example/cb']],
  ['plain HTTP in the network', ['http://192.168.1.2/cb']],
  ['a name that begins like loopback', ['http://localhost.evil.example/cb']],
  ['a fragment', ['https://a.example/cb#x']],
  ['an empty fragment', ['https://a.example/cb#']],
  ['credentials', ['https://a:b@a.example/cb']],
  ['a path', ['/callback']],
  ['a number', [7]],
  ['one bad among good', ['https://a.example/cb', 'javascript:alert(1)']],
]

describe('client registration', () => {
  it.each(good)('takes the redirect URIs of %s', (_, redirect_uris, application_type) => {
    expect(normalizeRegistration({ redirect_uris })).toMatchObject({
      redirect_uris,
      application_type,
    })
  })

  it.each(bad)('refuses %s as redirect URIs', (_, redirect_uris) => {
    expect(() => normalizeRegistration({ redirect_uris })).toThrow(
      expect.objectContaining({ code: 'invalid_redirect_uri' }),
    )
  })

  it.each([undefined, null, 'text', 7, []])('refuses %o as a body', (body) => {
    expect(() => normalizeRegistration(body)).toThrow(
      expect.objectContaining({ code: 'invalid_client_metadata' }),
    )
  })

  it('leaves out what does not exist here instead of refusing it', () => {
    const asked = {
      redirect_uris: ['https://a.example/cb'],
      grant_types: ['authorization_code', 'urn:example:other'],
      response_types: ['code', 'token'],
      scope: 'mcp profile email',
    }
    const normalized = normalizeRegistration(asked)
    expect(normalized).toMatchObject({
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })
    expect(normalized).not.toHaveProperty('scope')
  })
})
