import { describe, expect, it } from 'vitest'
import { normalizeRegistration } from '../../../src/oauth/authorization-server/registration.ts'

const good: [string, string[], 'native' | 'web'][] = [
  ['Claude Code', ['http://localhost:54545/callback'], 'native'],
  ['claude.ai', ['https://claude.ai/api/mcp/auth_callback'], 'web'],
  ['Cursor', ['cursor://anysphere.cursor-mcp/oauth/callback'], 'native'],
  ['VS Code', ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'], 'native'],
  ['an IPv6 loopback', ['http://[::1]:1234/cb'], 'native'],
  ['a reverse domain scheme', ['com.example.app:/cb'], 'native'],
  [
    'VS Code Insiders',
    ['vscode-insiders://vscode.github-authentication/did-authenticate'],
    'native',
  ],
  ['Windsurf', ['windsurf://codeium.windsurf/callback'], 'native'],
  ['Zed and Goose', ['zed://mcp/callback', 'goose://oauth'], 'native'],
  ['a scheme of the configuration', ['myapp://callback'], 'native'],
]
const bad: [string, unknown][] = [
  ['nothing', undefined],
  ['an empty list', []],
  ['text', 'https://a.example/'],
  ['too many', Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`)],
  ['a script', ['javascript:alert(1)']],
  ['data', ['data:text/html,x']],
  ['a file', ['file:///etc/passwd']],
  ['a search of Windows', ['search-ms:query=x&crumb=location:\\\\evil.example']],
  ['settings of Windows', ['ms-settings:privacy']],
  ['an installer', ['ms-appinstaller:?source=https://evil.example/x']],
  ['an Office document', ['ms-word:ofe|u|https://evil.example/x']],
  ['a shell', ['ssh://evil.example/']],
  ['a mail', ['mailto:a@evil.example']],
  ['a script viewed', ['view-source:https://a.example/']],
  ['a blob', ['blob:https://a.example/x']],
  ['FTP', ['ftp://a.example/cb']],
  ['a scheme that begins like a known one', ['cursorx://cb']],
  ['a scheme that ends in a dot', ['com.:/cb']],
  ['a long one', [`https://a.example/${'x'.repeat(1_000)}`]],
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
    expect(normalizeRegistration({ redirect_uris }, ['myapp'])).toMatchObject({
      redirect_uris,
      application_type,
    })
  })

  it.each(bad)('refuses %s as redirect URIs', (_, redirect_uris) => {
    expect(() => normalizeRegistration({ redirect_uris }, ['myapp'])).toThrow(
      expect.objectContaining({ code: 'invalid_redirect_uri' }),
    )
  })

  it.each([undefined, null, 'text', 7, []])('refuses %o as a body', (body) => {
    expect(() => normalizeRegistration(body, [])).toThrow(
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
    const normalized = normalizeRegistration(asked, [])
    expect(normalized).toMatchObject({
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })
    expect(normalized).not.toHaveProperty('scope')
  })

  const emptyFields: [string, Record<string, unknown>][] = [
    ['an empty logo', { logo_uri: '' }],
    ['terms that are null', { tos_uri: null }],
    ['every optional field empty', { client_name: '', client_uri: '', contacts: [], jwks: null }],
    ['an authentication method that is null', { token_endpoint_auth_method: null }],
    ['grant types that are null', { grant_types: null, response_types: '' }],
  ]
  it.each(emptyFields)('takes %s for an absent field', (_, fields) => {
    const redirect_uris = ['https://a.example/cb']
    expect(normalizeRegistration({ redirect_uris, ...fields }, [])).toEqual(
      normalizeRegistration({ redirect_uris }, []),
    )
  })

  it('keeps nothing that is not used, and no more of a name than is shown', () => {
    const kept = normalizeRegistration(
      {
        redirect_uris: ['https://a.example/cb'],
        client_name: 'x'.repeat(30_000),
        logo_uri: `https://a.example/${'x'.repeat(30_000)}`,
        sector_identifier_uri: 'https://169.254.169.254/',
        response_modes: ['form_post'],
      },
      [],
    )
    expect(JSON.stringify(kept).length).toBeLessThan(600)
    expect(JSON.stringify(kept)).not.toMatch(/logo|169\.254|form_post/)
  })
})
