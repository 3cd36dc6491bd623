import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { harOf } from '../../src/traffic/har.ts'
import { secretNames } from '../../src/traffic/redact-body.ts'
import { createTraffic } from '../../src/traffic/traffic.ts'

/** HAR 1.2 as JSON schemas, written by others. */
function harValidator() {
  const load = createRequire(import.meta.url)
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addMetaSchema(
    JSON.parse(readFileSync(load.resolve('ajv/dist/refs/json-schema-draft-06.json'), 'utf8')),
  )
  const schemas = load('har-schema') as Record<string, { $id: string }>
  for (const schema of Object.values(schemas)) ajv.addSchema(schema)
  const validate = ajv.getSchema('har.json#')
  return (har: unknown) => (validate?.(har) ? [] : validate?.errors)
}

describe('a HAR', () => {
  it('is valid, and has each call as the POST that carried it', () => {
    const traffic = createTraffic({ now: () => 0, names: secretNames(), secrets: () => [] })
    traffic.watch(() => {})
    const facts = {
      profile: 'default',
      client: 'ada 1.0',
      caller: 'anybody',
      sessionId: undefined,
      era: 'modern' as const,
      method: 'tools/call',
      name: 'echo',
      text: '{"method":"tools/call"}',
    }
    const call = traffic.tap.begin(facts)
    call.sent('weather')
    call.aside('server', 'notifications/progress', '{}')
    call.ended('result', JSON.stringify({ text: 'x'.repeat(70_000) }))
    traffic.tap.begin(facts).ended('lost')
    traffic.note({ what: 'tunnel', text: 'is up', isProblem: false })
    const har = harOf(traffic.entries(), {
      version: '1.0.0',
      urlOf: (profile) => `https://localhost:3443/api/mcp/${profile}`,
    })
    expect(harValidator()(JSON.parse(JSON.stringify(har)))).toEqual([])
    const [first, second] = har.log.entries
    expect(har.log.entries).toHaveLength(2)
    expect(first).toMatchObject({
      startedDateTime: '1970-01-01T00:00:00.000Z',
      request: {
        method: 'POST',
        url: 'https://localhost:3443/api/mcp/default',
        postData: { text: facts.text },
      },
      response: {
        status: 200,
        content: { size: 70_011, comment: 'the first 65536 characters of 70011 bytes' },
      },
      comment: 'tools/call echo',
      _server: 'weather',
    })
    expect(second).toMatchObject({ response: { status: 0 }, _outcome: 'lost' })
  })
})
