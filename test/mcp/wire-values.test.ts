import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clients, type Lab, scripts, startLab } from '../fidelity/pairs.ts'
import type { Heard, WireClient } from '../fidelity/wire-client.ts'

// What JSON.parse cannot hold passes as it was written, through every pair of eras and transports.

const text = fc.string({ unit: 'binary', maxLength: 8 })
const value = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
    fc.constantFrom('1.0', '1e2', '-0', '1E-7', '0.10', 'null', 'true', '""', '{}', '[]'),
    text.map((one) => JSON.stringify(one)),
    fc.constantFrom('"\\u2028"', '"\u2028"', '"\\ud800"', '"\\/"', '"\\u0041"'),
    fc.array(tie('any'), { maxLength: 4 }).map((all) => `[ ${all.join(' ,')}]`),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constantFrom('10', '2', 'a', '__proto__')), tie('any')), {
        maxLength: 4,
      })
      .map((all) => `{${all.map(([key, one]) => `${JSON.stringify(key)} :${one}`).join(', ')}}`),
  ),
})).any

const written = [
  '12345678901234567890',
  '[1.0,1e2,-0,1E400,0.30000000000000004]',
  '{"10":1,"2":2,"a":{"2":0,"1":0}}',
  '{"a":1,"a":2,"\\u0061":3}',
  '{"__proto__":{"x":1},"constructor":1}',
  '"\\u2028\u2028\\ud800 \\udc00\\/ \u{1f40e}"',
  '{"uri":"memo://one","uriTemplate":"memo://{name}","progressToken":1,"_meta":{"progressToken":7}}',
  `${'['.repeat(500)}${']'.repeat(500)}`,
  '{ "white" : [ 1 , 2 ] , "space":\t{ } }',
]
const large = JSON.stringify(Buffer.alloc(3_800_000, 'sallyport').toString('base64'))

const pairs = clients.flatMap((era) => scripts.map((kind) => ({ era, kind })))

describe('values as they were written', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await startLab(scripts)
  })
  afterAll(() => lab.close())

  describe.each(pairs)('$era client, $kind server', ({ era, kind }) => {
    let client: WireClient
    beforeAll(async () => {
      client = lab.through(kind, era)
      await client.open()
    })
    afterAll(() => client.close())

    // Log messages are asked for in 2026.
    const call = async (name: string, one: string) => {
      const from = client.heard.length
      const meta = era === 'modern' ? '"_meta":{"io.modelcontextprotocol/logLevel":"debug"},' : ''
      await client.send('tools/call', `{${meta}"name":"${name}","arguments":{"v":${one},"end":1}}`)
      return client.heard.slice(from)
    }
    const valueIn = ({ text: all }: Heard) =>
      all.slice(all.indexOf('{"v":') + 5, all.lastIndexOf(',"end":1}'))

    async function expectPassed(one: string): Promise<void> {
      const echoed = await call('echo', one)
      expect(echoed.map(valueIn)).toEqual([one, one])
      expect((await call('data_error', one)).map(valueIn)).toEqual([one])
      client.answers['sampling/createMessage'] =
        `"result":{"role":"assistant","model":"m","content":{"w":${one},"fin":1}}`
      const asked = await call('ask_value', one)
      expect(asked.map(valueIn)).toEqual([one, one])
    }

    it('passes digits, order, white space and escapes', async () => {
      for (const one of written) await expectPassed(one)
    })

    it('passes whatever else can be written', () =>
      fc.assert(fc.asyncProperty(value, expectPassed), { numRuns: 12 }))

    it('passes five megabytes of base64', async () => {
      const given = await call('give_back', large)
      expect(given.map((one) => valueIn(one) === large)).toEqual([true])
    })
  })

  it('passes an answer right behind a message that no client can have read yet', async () => {
    const client = lab.through('legacy stdio', 'legacy')
    await client.open()
    const huge = JSON.stringify('x'.repeat(14_000_000))
    await client.send('tools/call', `{"name":"tell","arguments":{"v":${huge},"end":1}}`)
    const [told, answer] = client.heard.slice(-2)
    expect(told?.text).toHaveLength(huge.length + 99)
    expect(answer?.message).toHaveProperty('result')
    await client.close()
  })

  it.each(['legacy stdio', 'legacy HTTP', 'legacy SSE'] as const)(
    'passes the params of notifications to a %s server',
    async (kind) => {
      const client = lab.through(kind, 'legacy')
      await client.open()
      for (const one of written) {
        client.notify('notifications/example/from-client', `{"v":${one},"end":1}`)
        const heard = async () =>
          (await client.send('tools/call', '{"name":"last_notification"}')).text
        await expect
          .poll(async () => JSON.parse(await heard()).result.content[0].text)
          .toContain(`"params":{"v":${one},"end":1}`)
      }
      await client.close()
    },
  )
})
