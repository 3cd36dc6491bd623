import { describe, expect, it } from 'vitest'
import { redactSecrets } from '../../src/lib/redact.ts'

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
    ['nothing else', 'Unauthorized: Invalid tunnel secret', 'Unauthorized: Invalid tunnel secret'],
    ['no file name', '/home/me/tokens.json', '/home/me/tokens.json'],
  ])('takes out %s', (_, text, expected) => {
    expect(redactSecrets(text, ['s3cret/', 's3cret/more', ''])).toBe(expected)
  })
})
