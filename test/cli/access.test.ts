import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../src/cli/duration.ts'
import { createPendingApprovals } from '../../src/cli/pending-approvals.ts'
import { formatGrants, formatKeys, formatNewKey } from '../../src/cli/ui/access-lists.ts'
import { formatApproval } from '../../src/cli/ui/approval.ts'
import { plain } from './helpers.ts'

const approval = {
  event: 'approval',
  id: 'one',
  code: '123456',
  reference: 'K7Q',
  clientName: 'Claude\u001b[31m Code',
  clientId: 'client-1',
  redirectHost: 'localhost',
  profile: 'work',
  origin: 'https://otter.example',
  expiresAt: 1_000,
} as const

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

describe('a request for access', () => {
  it('shows who asks, the code and the reference, and no control characters of a stranger', () => {
    const text = formatApproval(approval, plain(80))
    for (const part of ['123456', 'K7Q', '"client-1"', 'profile "work" at https://otter.example']) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('\u001b[31m')
  })

  it('is decided by the newest key press, while it is good', () => {
    const approvals = createPendingApprovals()
    expect(approvals.take(0)).toBeUndefined()
    approvals.note(approval)
    approvals.note({ ...approval, id: 'two', expiresAt: 100 })
    expect(approvals.take(500)?.id).toBe('one')
    approvals.note(approval)
    expect(approvals.take(1_000)).toBeUndefined()
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
    expect(formatNewKey('sallyport_abc_secret', key)).toContain('sallyport_abc_secret')
    expect(formatKeys([key])).toBe('  abc  profile work  "ci"  made 1970-01-01  used 1970-01-02')
    expect(formatKeys([])).toContain('keys create')
    expect(formatGrants([])).toContain('No client')
  })
})
