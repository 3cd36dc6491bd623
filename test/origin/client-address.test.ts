import { expect, it } from 'vitest'
import { clientAddress, type ForwardedForm } from '../../src/origin/client-address.ts'

const ngrok = { header: 'x-forwarded-for', take: 'last' } as const
const cloudflare = { header: 'cf-connecting-ip', take: 'last' } as const
const unknown = undefined
const spoof = {
  'x-forwarded-for': '1.1.1.1',
  'x-forwarded-proto': 'http',
  'x-forwarded-host': 'evil.example',
  'x-real-ip': '1.1.1.1',
  forwarded: 'for=1.1.1.1',
  'cf-connecting-ip': '1.1.1.1',
}

interface Row {
  readonly peer?: string
  readonly headers?: Record<string, string>
  readonly tunnel?: ForwardedForm | undefined
}

it.each<[string, Row, string]>([
  ['no tunnel, no headers', {}, '127.0.0.1'],
  ['no tunnel, spoofed headers', { headers: spoof }, '127.0.0.1'],
  ['a LAN peer on our own listener', { peer: '10.0.0.9', headers: spoof }, '10.0.0.9'],
  [
    'a LAN peer on the tunnel’s listener',
    { peer: '10.0.0.9', headers: spoof, tunnel: ngrok },
    '10.0.0.9',
  ],
  [
    'the value the edge appended to a spoofed one',
    { headers: { 'x-forwarded-for': '1.1.1.1, 203.0.113.7' }, tunnel: ngrok },
    '203.0.113.7',
  ],
  [
    'the provider’s header beside spoofed ones',
    { headers: { ...spoof, 'cf-connecting-ip': '203.0.113.7' }, tunnel: cloudflare },
    '203.0.113.7',
  ],
  [
    'another provider’s header only',
    { headers: { 'x-forwarded-for': '1.1.1.1' }, tunnel: cloudflare },
    '127.0.0.1',
  ],
  ['a provider without such a header', { headers: spoof, tunnel: unknown }, '127.0.0.1'],
  [
    'an IPv6 client',
    { headers: { 'x-forwarded-for': '2001:db8::7' }, tunnel: ngrok },
    '2001:db8::7',
  ],
  [
    'a value that is no address',
    { headers: { 'x-forwarded-for': 'evil' }, tunnel: ngrok },
    '127.0.0.1',
  ],
  ['an empty value', { headers: { 'x-forwarded-for': '1.1.1.1,' }, tunnel: ngrok }, '127.0.0.1'],
  [
    'the first value where the edge puts it there',
    {
      headers: { 'x-client': '203.0.113.7, 1.1.1.1' },
      tunnel: { header: 'x-client', take: 'first' },
    },
    '203.0.113.7',
  ],
  [
    'IPv4 over an IPv6 socket',
    { peer: '::ffff:127.0.0.1', headers: { 'x-forwarded-for': '203.0.113.7' }, tunnel: ngrok },
    '203.0.113.7',
  ],
  [
    'an IPv6 loopback peer',
    { peer: '::1', headers: { 'x-forwarded-for': '203.0.113.7' }, tunnel: ngrok },
    '203.0.113.7',
  ],
])('of %s is what can be believed', (_, row, expected) => {
  const { peer = '127.0.0.1', headers = {}, tunnel: form } = row
  expect(clientAddress({ peer, form, header: (name) => headers[name] })).toBe(expected)
})
