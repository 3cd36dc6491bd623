import { expect, it } from 'vitest'
import { resolveMkcertRoot } from '../../src/tls/authority.ts'

const home = { HOME: '/home/ada' }
it.each([
  ['linux', { ...home, CAROOT: '/ca', XDG_DATA_HOME: '/xdg' }, '/ca'],
  ['linux', { ...home, XDG_DATA_HOME: '/xdg' }, '/xdg/mkcert'],
  ['linux', home, '/home/ada/.local/share/mkcert'],
  ['linux', { ...home, CAROOT: '', XDG_DATA_HOME: '' }, '/home/ada/.local/share/mkcert'],
  ['linux', {}, undefined],
  ['darwin', { HOME: '/Users/ada' }, '/Users/ada/Library/Application Support/mkcert'],
  ['darwin', { HOME: '/Users/ada', XDG_DATA_HOME: '/xdg' }, '/xdg/mkcert'],
  ['win32', { LOCALAPPDATA: 'C:\\Local', XDG_DATA_HOME: 'C:\\xdg' }, 'C:\\Local\\mkcert'],
  ['win32', home, undefined],
] as const)('finds the folder of mkcert on %s with %j at %s', (platform, env, expected) => {
  expect(resolveMkcertRoot(platform, env)).toBe(expected)
})
