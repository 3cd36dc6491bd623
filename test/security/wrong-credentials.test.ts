import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Logger } from '../../src/lib/logger.ts'
import { addressBlock } from '../../src/origin/client-address.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'
import { type Lab, startLab } from '../oauth/lab.ts'

const warnings: Record<string, unknown>[] = []
const logger: Logger = {
  ...silentLogger,
  warn: (_message, fields = {}) => void warnings.push(fields),
}

let lab: Lab
let key: string
beforeAll(async () => {
  lab = await startLab({ auth: 'oauth', logger })
  key = (await lab.apiKeys.create({ profile: 'work' })).key
})
afterAll(() => lab.close())

async function call(source: string | undefined, credentials: string | undefined) {
  const { status, headers } = await fetch(lab.mcp('work'), {
    headers: {
      ...(source !== undefined && { 'x-test-source': source }),
      ...(credentials !== undefined && { authorization: credentials }),
    },
  })
  return { status, retryAfter: headers.get('retry-after') }
}

async function statuses(count: number, source: string, credentials: string) {
  const seen: number[] = []
  for (let index = 0; index < count; index += 1) {
    seen.push((await call(source, credentials)).status)
  }
  return seen
}

describe('wrong credentials', () => {
  it.each([
    ['198.51.100.1', 'Bearer sallyport_000000000000_'.padEnd(75, 'A')],
    ['198.51.100.2', 'Bearer a.b.c'],
    ['198.51.100.3', 'Basic b3duZXI6eA=='],
  ])('of %s are refused thirty times a minute, and then not looked at', async (source, wrong) => {
    expect(new Set(await statuses(30, source, wrong))).toEqual(new Set([401]))
    const { status, retryAfter } = await call(source, wrong)
    expect(status).toBe(429)
    expect(Number(retryAfter)).toBeGreaterThan(0)
    expect(Number(retryAfter)).toBeLessThanOrEqual(60)
    expect((await call(source, `Bearer ${key}`)).status).toBe(429)
    expect(warnings.filter((one) => one.source === source)).toEqual([
      { source, profile: 'work', reason: expect.any(String) },
    ])
    expect(JSON.stringify(warnings)).not.toContain(wrong)
  })

  it('of one source are nobody else’s', async () => {
    await statuses(31, '198.51.100.4', 'Bearer x')
    expect((await call('198.51.100.5', `Bearer ${key}`)).status).toBe(200)
  })

  it.each(['127.0.0.1', '::1'])('of %s do not lock out the right ones', async (source) => {
    expect((await statuses(32, source, 'Bearer x')).slice(-2)).toEqual([429, 429])
    expect((await call(source, `Bearer ${key}`)).status).toBe(200)
  })

  it('are not those that are absent, or lack a scope', async () => {
    for (let index = 0; index < 40; index += 1) {
      expect((await call('198.51.100.6', undefined)).status).toBe(401)
    }
    expect((await call('198.51.100.6', `Bearer ${key}`)).status).toBe(200)
    expect(warnings.filter((one) => one.source === '198.51.100.6')).toEqual([])
  })
})

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0db8:0000:0000:1::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['', ''],
])('counts %s as %s', (address, block) => {
  expect(addressBlock(address)).toBe(block)
})
