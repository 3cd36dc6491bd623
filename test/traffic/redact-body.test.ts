import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keepBody, longestBody, secretNames } from '../../src/traffic/redact-body.ts'

const canary = 'c4n4ry-0f-th3-m1n3'
const secrets = { ...secretNames(['x-tenant']), values: ['the "value" of a setting', 'p4ss/w0rd'] }
const kept = (text: string) => keepBody(text, secrets).text

describe('what is kept of a body', () => {
  it.each([
    ['numbers and spaces as they were written', '{ "a" : 1.0, "b":[1e2, -0 ] }'],
    ['a token that is a call’s own', '{"_meta":{"progressToken":"abc"},"nextPageToken":"x"}'],
    ['a field that only sounds so', '{"tokens":12,"maxTokens":3,"secretary":"Ada"}'],
    ['what is no JSON', 'Hello, "token" of my esteem'],
    ['what is cut in a string', '{"a":"b\\'],
    ['duplicate keys', '{"a":1,"a":2,"authorize":true}'],
  ])('has %s', (_what, text) => {
    expect(kept(text)).toBe(text)
  })

  it.each([
    ['a string', `{"password":"${canary}","a":1}`, '{"password":"REDACTED","a":1}'],
    ['spaces', `{ "Api-Key" :\n "${canary}" }`, '{ "Api-Key" :\n "REDACTED" }'],
    ['a prefix', `{"githubToken":"${canary}"}`, '{"githubToken":"REDACTED"}'],
    ['an object', `{"secret":{"a":["${canary}"]},"b":1}`, '{"secret":"REDACTED","b":1}'],
    [
      'a list',
      `{"cookies":1,"cookie":["${canary}"],"b":1}`,
      '{"cookies":1,"cookie":"REDACTED","b":1}',
    ],
    ['a number', '{"password":1234,"b":1}', '{"password":"REDACTED","b":1}'],
    ['a name in escapes', `{"p\\u0061ssword":"${canary}"}`, '{"p\\u0061ssword":"REDACTED"}'],
    ['a name that was set', `{"X-Tenant":"${canary}"}`, '{"X-Tenant":"REDACTED"}'],
    [
      'JSON in a string',
      JSON.stringify({ text: `{"token":"${canary}"}` }),
      JSON.stringify({ text: '{"token":"REDACTED"}' }),
    ],
    ['JSON that is cut', `{"token":"${canary.slice(0, 6)}`, '{"token":"REDACTED"'],
    [
      'a value that is known',
      '{"a":"so the \\"value\\" of a setting is"}',
      '{"a":"so REDACTED is"}',
    ],
    ['such a value in a URL', 'https://x/?p=p4ss%2Fw0rd', 'https://x/?p=REDACTED'],
    [
      'a header in a text',
      `{"text":"authorization: Bearer ${canary}"}`,
      '{"text":"authorization: Bearer REDACTED"}',
    ],
  ])('is without a secret in %s', (_what, text, right) => {
    expect(kept(text)).toBe(right)
  })

  it('is cut where it is long, and says so', () => {
    const text = JSON.stringify({ a: 'x'.repeat(longestBody), password: canary })
    const body = keepBody(text, secrets)
    expect(body).toMatchObject({ isCut: true, bytes: text.length })
    expect(body.text).toBe(text.slice(0, longestBody))
  })

  it('has no part of a secret on the cut', () => {
    for (let shift = 0; shift < 80; shift += 1) {
      const text = JSON.stringify({ a: 'x'.repeat(longestBody - 60 + shift), password: canary })
      expect(keepBody(text, secrets).text).not.toContain(canary.slice(0, 4))
    }
  })

  it('has no secret, wherever it is in whatever JSON', () => {
    const planted = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(1, true, null, 'plain', '\u2028"\\'),
        fc.constant({ token: canary }),
        fc.constant({ 'client-secret': [canary, { deep: canary }] }),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 4 }), tie('value'), { maxKeys: 3 }),
        tie('value').map((inner) => JSON.stringify(inner)),
        tie('value').map((inner) => ({ private_key: inner })),
      ),
    })).value
    fc.assert(
      fc.property(planted, fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(kept(text)).not.toContain(canary)
        if (!text.includes(canary) && !text.includes('private_key')) expect(kept(text)).toBe(text)
      }),
      { numRuns: 300 },
    )
  })

  it('has none in whatever was cut off anywhere', () => {
    const text = JSON.stringify({
      a: [{ token: canary }],
      text: JSON.stringify({ secret: canary }),
    })
    for (let end = 0; end <= text.length; end += 1) {
      expect(kept(text.slice(0, end))).not.toContain(canary.slice(0, 6))
    }
  })
})
