import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeDer, encodeDer } from '../../src/tls/der.ts'
import {
  encodeNameConstraints,
  isPermittedName,
  permittedNamesOf,
} from '../../src/tls/name-constraints.ts'
import { createTestAuthority } from './lab.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('encodeNameConstraints', () => {
  it.each([
    ['localhost', '300f a00d 300b 8209 6c6f63616c686f7374'],
    ['127.0.0.0/8', '300e a00c 300a 8708 7f000000 ff000000'],
    ['172.16.0.0/12', '300e a00c 300a 8708 ac100000 fff00000'],
    [
      '::1/128',
      '3026 a024 3022 8720 00000000000000000000000000000001 ffffffffffffffffffffffffffffffff',
    ],
    [
      'fe80::/10',
      '3026 a024 3022 8720 fe800000000000000000000000000000 ffc00000000000000000000000000000',
    ],
  ])('encodes %s as RFC 5280 4.2.1.10 says', (entry, expected) => {
    expect(hex(encodeNameConstraints([entry]))).toBe(expected.replaceAll(' ', ''))
  })
})

describe('permittedNamesOf', () => {
  it('reads back from a certificate what was encoded into it', async () => {
    const permitted = ['localhost', 'corp.example', '10.0.0.0/8', '100.64.0.0/10', 'fc00::/7']
    const { certPem } = await createTestAuthority(permitted)
    expect(permittedNamesOf(new X509Certificate(certPem).raw)).toEqual(permitted)
  })

  it('is undefined for a certificate without name constraints', async () => {
    const { cert } = await (await createTestAuthority()).issue(['localhost'])
    expect(permittedNamesOf(new X509Certificate(cert).raw)).toBeUndefined()
  })
})

describe('isPermittedName', () => {
  const permitted = ['localhost', 'local', '10.0.0.0/8', 'fc00::/7']
  it.each([
    ['localhost', true],
    ['app.localhost', true],
    ['workbench.local', true],
    ['notlocalhost', false],
    ['localhost.evil.com', false],
    ['evil.com', false],
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['fd12::1', true],
    ['fe00::1', false],
  ])('answers for %s: %s', (name, expected) => {
    expect(isPermittedName(permitted, name)).toBe(expected)
  })

  it('permits everything where there are no constraints, and every address where only names have some', () => {
    expect(isPermittedName(undefined, 'evil.com')).toBe(true)
    expect(isPermittedName(['localhost'], '8.8.8.8')).toBe(true)
    expect(isPermittedName(['10.0.0.0/8'], 'evil.com')).toBe(true)
  })
})

describe('DER', () => {
  it.each([0, 1, 127, 128, 255, 256, 65_535])('keeps a content of %i bytes', (length) => {
    const content = new Uint8Array(length).fill(7)
    const [first, second] = decodeDer(Buffer.concat([encodeDer(0x04, content), encodeDer(0x05)]))
    expect(Buffer.compare(first?.content ?? Buffer.of(1), content)).toBe(0)
    expect(second?.tag).toBe(0x05)
  })

  it('refuses an element that is cut off', () => {
    expect(() => decodeDer(encodeDer(0x04, new Uint8Array(9)).subarray(0, 8))).toThrow(RangeError)
  })
})
