import { expect, it } from 'vitest'
import type { Exposure } from '../../src/origin/known-origins.ts'
import { mayOpenTunnel, mayServe, type ProfileAuth } from '../../src/origin/may-serve.ts'

it.each<[ProfileAuth, Exposure, boolean, string]>([
  ['none', 'loopback', false, 'served'],
  ['none', 'network', false, 'refused'],
  ['none', 'public', false, 'refused'],
  ['none', 'loopback', true, 'served'],
  ['none', 'network', true, 'served anonymously'],
  ['none', 'public', true, 'served anonymously'],
  ['key', 'public', false, 'served'],
  ['key', 'network', false, 'served'],
  ['oauth', 'public', false, 'served'],
  ['oauth', 'public', true, 'served'],
])(
  'a profile with auth %s on a %s origin, anonymous allowed %s, is %s',
  (auth, exposure, allowAnonymous, expected) => {
    const decision = mayServe({ name: 'default', auth }, { exposure, allowAnonymous })
    const outcome = !decision.ok ? 'refused' : decision.anonymous ? 'served anonymously' : 'served'
    expect(outcome).toBe(expected)
  },
)

it('names the profile, who could use it, and the flag', () => {
  expect(
    mayServe({ name: 'work', auth: 'none' }, { exposure: 'network', allowAnonymous: false }),
  ).toEqual({
    ok: false,
    message:
      'The profile "work" asks callers for nothing, so anyone on the local network could use its tools.',
    hint: 'Pass --allow-anonymous if that is what you want.',
  })
})

it.each<[string, ProfileAuth[], boolean, object]>([
  ['only anonymous profiles', ['none'], false, { ok: false }],
  [
    'only anonymous profiles, allowed',
    ['none'],
    true,
    { ok: true, warnings: [expect.stringContaining('"p0"')] },
  ],
  ['one protected profile', ['none', 'oauth'], false, { ok: true, warnings: [] }],
  [
    'one of each, allowed',
    ['none', 'key'],
    true,
    { ok: true, warnings: [expect.stringContaining('"p0"')] },
  ],
  ['no profile at all', [], true, { ok: false }],
])('a tunnel with %s is decided upon', (_, auths, allowAnonymous, decision) => {
  const profiles = auths.map((auth, index) => ({ name: `p${index}`, auth }))
  expect(mayOpenTunnel(profiles, { allowAnonymous })).toMatchObject(decision)
})
