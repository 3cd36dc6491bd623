import { expect, it } from 'vitest'
import { resolveAppUrl } from '../../src/config/app-url.ts'

const auto = (value: string, from: 'environment' | 'env-file') =>
  resolveAppUrl({ tunnel: 'auto', given: { value, from } })

it.each([
  ['https://a.example', 'https://a.example'],
  ['https://a.example/', 'https://a.example'],
  ['HTTPS://A.Example:443/', 'https://a.example'],
  ['https://a.example:8443', 'https://a.example:8443'],
  ['http://localhost:3001', 'http://localhost:3001'],
  ['http://127.0.0.1:3001/', 'http://127.0.0.1:3001'],
])('takes %s from the environment as it is', (value, appUrl) => {
  expect(auto(value, 'environment')).toEqual({ appUrl, warnings: [] })
})

it.each([
  ['a.example', 'must be an absolute URL'],
  ['ftp://a.example', 'must be an absolute URL'],
  ['https:a.example', 'must be an absolute URL'],
  ['https://', 'must be an absolute URL'],
  ['https://user:secret@a.example', 'must not hold a user name or password'],
  ['https://a.example/app', 'must not have a path'],
  ['https://a.example/?x=secret', 'must not have a query'],
  ['https://a.example/#secret', 'must not have a query or a fragment'],
])('refuses %s without repeating it', (value, message) => {
  const refusal = expect.objectContaining({
    code: 'APP_URL_INVALID',
    exitCode: 2,
    message: expect.stringContaining(message),
    hint: expect.stringContaining('https://'),
  })
  expect(() => auto(value, 'environment')).toThrow(refusal)
  expect(() => auto(value, 'environment')).not.toThrow(/secret/)
})

it('warns of plain http on another machine', () => {
  const { appUrl, warnings } = auto('http://192.168.1.5:3001', 'environment')
  expect(appUrl).toBe('http://192.168.1.5:3001')
  expect(warnings).toEqual([expect.stringContaining('OAuth clients refuse')])
})

it.each([
  ['http://localhost:3001', 0],
  ['https://localhost:3443', 0],
  ['https://app.localhost', 0],
  ['http://old.example', 1],
  ['changeme', 1],
])('takes %s from .env for a placeholder', (value, warnings) => {
  const decision = auto(value, 'env-file')
  expect(decision.appUrl).toBeUndefined()
  expect(decision.warnings).toHaveLength(warnings)
})

it('takes an https address from .env for the own one of the user', () => {
  expect(auto('https://a.example/', 'env-file').appUrl).toBe('https://a.example')
  expect(() => auto('https://a.example/app', 'env-file')).toThrow(/must not have a path/)
})

it.each(['local', 'none'] as const)('ignores APP_URL when TUNNEL is %s', (tunnel) => {
  const given = { value: 'https://a.example', from: 'environment' } as const
  expect(resolveAppUrl({ tunnel, given })).toEqual({
    appUrl: undefined,
    warnings: [`APP_URL is set but not used, because TUNNEL is ${tunnel}.`],
  })
})

it.each([undefined, { value: 'http://localhost:3001', from: 'env-file' } as const])(
  'needs an address when TUNNEL is external: %o',
  (given) => {
    expect(() => resolveAppUrl({ tunnel: 'external', given })).toThrow(
      expect.objectContaining({
        code: 'APP_URL_INVALID',
        hint: expect.stringContaining('APP_URL'),
      }),
    )
  },
)
