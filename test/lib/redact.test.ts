import { describe, expect, it } from 'vitest'
import { redactSecrets, secretValues } from '../../src/lib/redact.ts'

describe('redactSecrets', () => {
  it.each([
    ['the secret itself', 'it is s3cret/', 'it is REDACTED'],
    ['the secret in a URL', '?t=s3cret%2F&a=1', '?t=REDACTED&a=1'],
    ['a longer secret before the shorter in it', 'x s3cret/more x', 'x REDACTED x'],
    ['what ngrok quotes', 'Your authtoken: abc', 'Your authtoken: REDACTED'],
    ['a token of a query', 'GET /?token=abc&x=1', 'GET /?token=REDACTED'],
    ['a header', 'Authorization: Bearer abc', 'Authorization: Bearer REDACTED'],
    ['a user and password', 'http://me:pw@host/', 'http://REDACTED@host/'],
    ['a JWT', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'got REDACTED'],
    [
      'keys known by their beginning',
      'using sk-ant-api03-abcdefghij_klmnop now',
      'using REDACTED now',
    ],
    ['our own keys', 'got sallyport_0123456789ab_abcdefghijklmnop', 'got REDACTED'],
    ['nothing else', 'Unauthorized: Invalid tunnel secret', 'Unauthorized: Invalid tunnel secret'],
    ['no file name', '/home/me/tokens.json', '/home/me/tokens.json'],
  ])('takes out %s', (_, text, expected) => {
    expect(redactSecrets(text, ['s3cret/', 's3cret/more', ''])).toBe(expected)
  })

  it('looks through the beginning of a long text alone, and leaves no part of a secret at the cut', () => {
    const secret = 'abcdefghijklmnopqrstuvwxyz'
    for (const before of [3_980, 3_999, 4_000, 4_500]) {
      const safe = redactSecrets(`${'x'.repeat(before)} ${secret}${' y'.repeat(50_000)}`, [secret])
      expect(safe.length).toBeLessThan(4_100)
      expect(safe).not.toContain('abcdef')
    }
  })
})

describe('secretValues', () => {
  it('are those of settings whose names say so', () => {
    const settings = {
      API_KEY: 'one-secret',
      authorization: 'Bearer two',
      PORT: '3000-3999',
      TOKEN: 'x',
    }
    expect(secretValues(settings)).toEqual(['one-secret', 'Bearer two'])
  })
})
