import { describe, expect, it } from 'vitest'
import {
  formatGrants,
  formatKeys,
  formatNewKey,
  parseDuration,
} from '../../src/cli/commands/access.ts'
import { asText } from './helpers.ts'

describe('parseDuration', () => {
  it.each([
    ['45m', 2_700_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '0d', '30', 'd', '-1d', '1w', '1.5h'])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

describe('the lists of keys and grants', () => {
  const key = {
    id: 'abc',
    profile: 'work',
    name: 'ci',
    createdAt: 0,
    expiresAt: undefined,
    lastUsedAt: 86_400_000,
  }
  it('show a new key once, and afterwards what it is', () => {
    expect(asText(formatNewKey('sallyport_abc_secret', key))).toContain('sallyport_abc_secret')
    expect(asText(formatKeys([key]))).toBe(
      '  abc  profile work  "ci"  made 1970-01-01  used 1970-01-02',
    )
    expect(asText(formatKeys([]))).toContain('keys create')
    expect(asText(formatGrants([]))).toContain('No client')
  })
})
