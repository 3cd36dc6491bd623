import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { coversName, daysLeft, renewalReason, validityProblem } from '../../src/tls/certificate.ts'
import { createTestAuthority, dayMs, hourMs } from './lab.ts'

const issuedAt = Date.UTC(2026, 0, 1)
const endsAt = issuedAt - hourMs + 365 * dayMs
let certificate: X509Certificate

beforeAll(async () => {
  const authority = await createTestAuthority(['localhost'], issuedAt)
  const { cert } = await authority.issue(['localhost', '127.0.0.1', 'fd00::5'])
  certificate = new X509Certificate(cert)
})

describe('renewalReason', () => {
  const judge = (
    change: { keyMatches?: boolean; signedByAuthority?: boolean } = {},
    need: { names?: string[]; authorityNotAfter?: Date; now?: number } = {},
  ) =>
    renewalReason(
      { certificate, keyMatches: true, signedByAuthority: true, ...change },
      { names: ['localhost'], authorityNotAfter: new Date(endsAt + dayMs), now: issuedAt, ...need },
    )

  it.each([
    ['a good leaf', undefined, judge],
    ['a foreign key', 'its key is another one', () => judge({ keyMatches: false })],
    [
      'a foreign authority',
      'the authority is another one',
      () => judge({ signedByAuthority: false }),
    ],
    ['31 days left', undefined, () => judge({}, { now: endsAt - 31 * dayMs })],
    ['29 days left', 'it expires soon', () => judge({}, { now: endsAt - 29 * dayMs })],
    [
      'a leaf that has expired',
      'it expired on 2026-12-31',
      () => judge({}, { now: endsAt + 1000 }),
    ],
    [
      'a clock before its time',
      'it is not valid before 2025-12-31 (is the clock right?)',
      () => judge({}, { now: issuedAt - 2 * hourMs }),
    ],
    [
      'an authority that ends with it',
      undefined,
      () => judge({}, { now: endsAt - dayMs, authorityNotAfter: new Date(endsAt) }),
    ],
    [
      'names and addresses it lacks',
      'it does not cover app.localhost, 10.0.0.1',
      () => judge({}, { names: ['localhost', 'fd00::5', 'app.localhost', '10.0.0.1'] }),
    ],
  ])('of %s is %s', (_, expected, verdict) => {
    expect(verdict()).toBe(expected)
  })
})

it.each([
  ['localhost', true],
  ['app.localhost', false],
  ['127.0.0.1', true],
  ['127.0.0.2', false],
  ['fd00:0::5', true],
])('coversName answers for %s: %s', (name, expected) => {
  expect(coversName(certificate, name)).toBe(expected)
})

it('counts whole days, negative after the end', () => {
  expect(daysLeft(certificate, endsAt - 1.5 * dayMs)).toBe(1)
  expect(daysLeft(certificate, endsAt + hourMs)).toBe(-1)
})

it('finds no problem at either end of the validity', () => {
  expect(validityProblem(certificate, issuedAt - hourMs)).toBeUndefined()
  expect(validityProblem(certificate, endsAt)).toBeUndefined()
})
