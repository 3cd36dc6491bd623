import { describe, expect, it } from 'vitest'
import { listenerOrigins } from '../../src/origin/exposure.ts'
import { createKnownOrigins, type KnownOriginsOptions } from '../../src/origin/known-origins.ts'

const local = { lan: ['192.168.1.5', 'fd00::1'], localNames: ['app.localhost'] }
const bound = (address: string, port: number) => ({ bindHost: address, bound: address, port })
const http = {
  name: 'http',
  scheme: 'http',
  exposure: 'loopback',
  origins: listenerOrigins('http', bound('127.0.0.1', 3001), local),
} as const
const https = {
  name: 'https',
  scheme: 'https',
  exposure: 'loopback',
  origins: listenerOrigins('https', bound('127.0.0.1', 3443), local),
} as const
const tunnel = { name: 'tunnel', scheme: 'http', exposure: 'public', origins: [] } as const

function create(options: Partial<KnownOriginsOptions> = {}) {
  return createKnownOrigins({
    listeners: [https, http, tunnel],
    externalOrigin: undefined,
    allowedHosts: () => [],
    allowedOrigins: () => [],
    ...options,
  })
}

describe('the address everything points at', () => {
  it('is local HTTPS, else local HTTP, and the public origin while there is one', () => {
    expect(create().appUrl()).toBe('https://localhost:3443')
    expect(create({ listeners: [http] }).appUrl()).toBe('http://localhost:3001')
    const origins = create()
    origins.setPublicOrigin('https://otter.example')
    expect(origins.appUrl()).toBe('https://otter.example')
    expect(origins.all().slice(0, 2)).toEqual(['https://otter.example', 'https://localhost:3443'])
    origins.setPublicOrigin(undefined)
    expect(origins.appUrl()).toBe('https://localhost:3443')
  })
})

describe('whether anybody beyond this machine may reach us', () => {
  const lan = { ...http, exposure: 'network' } as const

  it.each([
    ['listeners of this machine', {}, false],
    ['a listener of the network', { listeners: [https, lan, tunnel] }, true],
    ['an address of the user', { externalOrigin: 'https://otter.example' }, true],
  ])('with %s: %s', (_what, options, expected) => {
    expect(create(options).isExposed()).toBe(expected)
  })

  it('follows a tunnel, from when it is tried', () => {
    const origins = create()
    const shutOut = origins.admit('https://otter.example')
    expect(origins.isExposed()).toBe(true)
    origins.setPublicOrigin('https://otter.example')
    shutOut()
    expect(origins.isExposed()).toBe(true)
    origins.setPublicOrigin(undefined)
    expect(origins.isExposed()).toBe(false)
  })
})

describe('the origin of a request', () => {
  it.each([
    ['https', 'localhost:3443', 'https://localhost:3443'],
    ['https', 'app.localhost:3443', 'https://app.localhost:3443'],
    ['http', 'localhost:3443', undefined],
    ['http', 'otter.example', undefined],
    ['https', 'otter.example', undefined],
    ['tunnel', 'otter.example', 'https://otter.example'],
    ['tunnel', 'otter.example:443', 'https://otter.example'],
    ['tunnel', 'OTTER.example', 'https://otter.example'],
    ['tunnel', 'otter.example:8443', undefined],
    ['tunnel', 'localhost:3001', undefined],
    ['tunnel', '127.0.0.1:3001', undefined],
    ['tunnel', 'evil.example', undefined],
    ['tunnel', undefined, undefined],
  ] as const)('through %s for %s is %s', (listener, host, expected) => {
    const origins = create()
    origins.admit('https://otter.example')
    expect(origins.ofRequest(listener, host)).toBe(expected)
  })

  it('is nobody once a tunnel is shut out', () => {
    const origins = create()
    const shutOut = origins.admit('https://otter.example')
    shutOut()
    expect(origins.ofRequest('tunnel', 'otter.example')).toBeUndefined()
  })

  it('is the address of the user when its proxy leads to plain HTTP', () => {
    const origins = create({ externalOrigin: 'https://mcp.example' })
    expect(origins.ofRequest('http', 'mcp.example')).toBe('https://mcp.example')
    expect(origins.ofRequest('https', 'mcp.example')).toBeUndefined()
  })
})

describe('a page that calls', () => {
  it.each([
    ['https', 'http://localhost:6274', true],
    ['https', 'https://localhost:3443', true],
    ['tunnel', 'http://localhost:6274', false],
    ['tunnel', 'https://otter.example', true],
    ['tunnel', 'https://tools.example', true],
    ['https', 'https://evil.example', false],
    ['https', 'null', false],
  ] as const)('through %s from %s is allowed: %s', (listener, origin, expected) => {
    const origins = create({ allowedOrigins: () => ['https://tools.example'] })
    origins.admit('https://otter.example')
    expect(origins.allowsCaller(listener, origin)).toBe(expected)
  })
})

describe('the origins of a listener', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', ['localhost', 'app.localhost', '127.0.0.1']],
    ['localhost', '::1', ['localhost', 'app.localhost', '[::1]']],
    ['::1', '::1', ['localhost', 'app.localhost', '[::1]']],
    ['0.0.0.0', '0.0.0.0', ['localhost', 'app.localhost', '127.0.0.1', '192.168.1.5']],
    ['::', '::', ['localhost', 'app.localhost', '127.0.0.1', '[::1]', '192.168.1.5', '[fd00::1]']],
    ['127.0.0.2', '127.0.0.2', ['127.0.0.2']],
    ['192.168.1.5', '192.168.1.5', ['192.168.1.5']],
    ['fd00::1', 'fd00::1', ['[fd00::1]']],
  ])('bound to %s, which is %s, are where it listens: %j', (bindHost, address, names) => {
    const origins = listenerOrigins('http', { bindHost, bound: address, port: 1 }, local)
    expect(origins).toEqual(names.map((name) => `http://${name}:1`))
  })
})
