import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { gatewayJsonSchemaText } from '../../scripts/gateway-json-schema.ts'
import { loadConfig } from '../../src/config/load.ts'

const root = new URL('../../', import.meta.url)

it('matches the file that editors read', async () => {
  const text = await readFile(new URL('config/gateway.schema.json', root), 'utf8')
  expect(text, 'run `pnpm schema`').toBe(gatewayJsonSchemaText())
})

it('describes every key', () => {
  expect(undescribed(JSON.parse(gatewayJsonSchemaText()), '')).toEqual([])
})

it('loads the configuration that ships with the repository, without a warning', async () => {
  const projectDir = fileURLToPath(root)
  const { config, warnings } = await loadConfig({ projectDir, env: { APP_URL_FILES: 'none' } })
  expect(warnings).toEqual([])
  expect(config.servers.welcome).toMatchObject({
    command: 'node',
    args: ['src/welcome/main.ts'],
    forwardCaller: true,
  })
  expect(config.profiles.default?.servers).toContain('welcome')
})

function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    const inner = undescribed(value, `${path}/${key}`)
    if (key !== 'properties') return inner
    const bare = Object.entries(value).filter(([, property]) => !Object(property).description)
    return [...inner, ...bare.map(([name]) => `${path}/${name}`)]
  })
}
