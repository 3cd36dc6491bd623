import { describe, expect, it } from 'vitest'
import {
  lanAddresses,
  listenedOn,
  outsideAddresses,
  permittedForAuthority,
  resolveLeafNames,
} from '../../src/tls/local-names.ts'
import { interfacesOf } from './lab.ts'

describe('lanAddresses', () => {
  it.each([
    ['192.168.1.20', ['192.168.1.20']],
    ['172.31.0.1', ['172.31.0.1']],
    ['172.32.0.1', []],
    ['100.64.3.4', ['100.64.3.4']],
    ['169.254.9.9', ['169.254.9.9']],
    ['203.0.113.7', []],
    ['fd00:0:0::12', ['fd00::12']],
    ['fe80::1', []],
    ['2001:db8::1', []],
  ])('of %s is %j', (address, expected) => {
    expect(lanAddresses(interfacesOf(address))).toEqual(expected)
  })

  it('leaves internal addresses out', () => {
    const interfaces = interfacesOf('10.1.1.1')
    for (const addresses of Object.values(interfaces)) {
      for (const address of addresses ?? []) address.internal = true
    }
    expect(lanAddresses(interfaces)).toEqual([])
  })
})

describe('permittedForAuthority', () => {
  it.each([
    ['workbench', false],
    ['dev', false],
    ['192.168.1.1', false],
    ['bad name', false],
    ['laptop.local', false],
    ['Laptop.Lan', 'laptop.lan'],
  ])('with the hostname %s adds %s', (hostname, added) => {
    const base = permittedForAuthority('')
    const extra = permittedForAuthority(hostname).filter((entry) => !base.includes(entry))
    expect(extra).toEqual(added ? [added] : [])
  })
})

describe('the addresses that are listened on', () => {
  const interfaces = interfacesOf('192.168.1.5', '192.0.2.2', 'fd00::1', '2001:db8::1', 'fe80::1')
  it.each<[string, string[], string[]]>([
    ['127.0.0.1', [], []],
    ['localhost', [], []],
    ['192.168.1.5', [], []],
    ['0.0.0.0', ['192.168.1.5'], ['192.0.2.2']],
    ['::', ['192.168.1.5', 'fd00::1'], ['192.0.2.2', '2001:db8::1']],
  ])('with HOST %s are %j, and %j that our authority may not sign for', (host, lan, outside) => {
    const listened = listenedOn(host, interfaces)
    expect(lanAddresses(listened)).toEqual(lan)
    expect(outsideAddresses(listened)).toEqual(outside)
  })
})

describe('resolveLeafNames', () => {
  const permitted = permittedForAuthority('')
  const resolve = (names: string[], interfaces = {}) =>
    resolveLeafNames({ names, interfaces, permitted })

  it('covers loopback, the names in use and the LAN, each once', () => {
    const interfaces = interfacesOf('10.0.0.5', 'fd00::5')
    expect(resolve(['App.localhost', 'localhost', '0:0:0:0:0:0:0:1'], interfaces)).toEqual({
      names: ['localhost', '127.0.0.1', '::1', 'app.localhost', '10.0.0.5', 'fd00::5'],
      refused: [],
    })
  })

  it.each(['evil.com', '8.8.8.8', '*.app.localhost', 'a b.localhost', '', 'app.localhost:3443'])(
    'refuses %j, which would spoil the certificate',
    (name) => {
      expect(resolve([name])).toEqual({ names: resolve([]).names, refused: [name] })
    },
  )

  it('takes any name an authority without constraints can sign for', () => {
    const { names } = resolveLeafNames({
      names: ['evil.com'],
      interfaces: {},
      permitted: undefined,
    })
    expect(names).toContain('evil.com')
  })
})
