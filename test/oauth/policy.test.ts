import { describe, expect, it } from 'vitest'
import type { ProfileAuth } from '../../src/oauth/policy.ts'
import { decideAuth, describeCaution } from '../../src/oauth/policy.ts'
import type { Exposure } from '../../src/origin/exposure.ts'

const rows: [Exposure, ProfileAuth | undefined, boolean, ProfileAuth, string?][] = [
  ['loopback', undefined, false, 'none'],
  ['loopback', 'none', false, 'none'],
  ['loopback', 'key', false, 'key'],
  ['loopback', 'oauth', true, 'oauth'],
  ['network', undefined, false, 'oauth'],
  ['network', undefined, true, 'oauth'],
  ['network', 'none', false, 'oauth', 'overruled'],
  ['network', 'none', true, 'none', 'anonymous'],
  ['network', 'key', true, 'key'],
  ['public', undefined, false, 'oauth'],
  ['public', undefined, true, 'oauth'],
  ['public', 'none', false, 'oauth', 'overruled'],
  ['public', 'none', true, 'none', 'anonymous'],
  ['public', 'key', false, 'key'],
  ['public', 'oauth', false, 'oauth'],
]

describe('decideAuth', () => {
  it.each(rows)(
    '%s, configured %s, --allow-anonymous %s: %s',
    (exposure, configured, allow, auth, caution) => {
      expect(decideAuth({ exposure, configured, allowAnonymous: allow })).toEqual({
        auth,
        caution,
      })
    },
  )

  it('has a sentence for every decision that differs from what was configured', () => {
    expect(describeCaution('work', 'anonymous').message).toContain('open to everybody')
    expect(describeCaution('work', 'overruled').message).toContain('needs OAuth or an API key')
  })
})
