import { readFile, writeFile } from 'node:fs/promises'
import { gatewayJsonSchemaText } from './gateway-json-schema.ts'

// Writes config/gateway.schema.json; with --check, only says whether it is up to date.
const name = 'config/gateway.schema.json'
const file = new URL(`../${name}`, import.meta.url)
const expected = gatewayJsonSchemaText()
const present = await readFile(file, 'utf8').catch(() => undefined)

if (present?.replaceAll('\r\n', '\n') === expected) {
  console.log(`${name} is up to date.`)
} else if (process.argv.includes('--check')) {
  const state = present === undefined ? 'is missing' : 'does not match src/config'
  console.error(`${name} ${state}. Run \`pnpm schema\` and commit the result.`)
  process.exitCode = 1
} else {
  await writeFile(file, expected)
  console.log(`Wrote ${name}.`)
}
