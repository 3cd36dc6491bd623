import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { type Difference, describeDifference } from './compare.ts'
import { httpExchanges, scriptedExchanges, sdkExchanges } from './exchanges.ts'
import { knownDifferences } from './known-differences.ts'
import {
  clients,
  eraOf,
  fixtures,
  type Lab,
  type ServerKind,
  scripts,
  startLab,
  transportOf,
} from './pairs.ts'
import { differencesIn, type Transcripts, transcriptsOf } from './transcripts.ts'
import { type Era, HttpClient } from './wire-client.ts'

// Every exchange once directly and once through a profile of one, compared message by message.
const kinds: readonly ServerKind[] = [...scripts, ...fixtures]
const pairs = kinds.flatMap((server) => clients.map((client) => ({ client, server })))
const used = new Set<string>()

describe('through the gateway as without it', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await startLab(kinds)
  })
  afterAll(() => lab.close())

  it.each(pairs)(
    '$client client, $server server',
    async ({ client, server }) => {
      const unexplained = (await compare(lab, server, client)).filter((difference) => {
        const known = knownDifferences.filter((one) => one.explains(difference))
        for (const { line } of known) used.add(line)
        return known.length === 0
      })
      expect(unexplained.map(describeDifference)).toEqual([])
    },
    40_000,
  )

  it('announces everything there is of a server that does not start', async () => {
    const sketch = stdioFixture('never-answers.ts')
    const gateway = await startTestGateway({ servers: { one: sketch } })
    const client = new HttpClient(gateway.url(), 'legacy')
    const { result } = (await client.open()) as { result: { capabilities: object } }
    expect(Object.keys(result.capabilities)).toEqual(
      expect.arrayContaining(['tools', 'resources', 'prompts', 'logging', 'completions']),
    )
    used.add('A server never seen before is announced with everything there is')
    await client.close()
    await gateway.close()
  })

  it('answers batches of 2025-03-26', async () => {
    const batch = JSON.stringify([
      {
        jsonrpc: '2.0',
        id: 'a',
        method: 'tools/call',
        params: { name: 'echo', arguments: { text: 'x' } },
      },
      { jsonrpc: '2.0', method: 'notifications/x' },
      { jsonrpc: '2.0', id: 'b', method: 'prompts/get', params: { name: 'no such prompt' } },
    ])
    const both = [lab.direct('legacy-http', 'legacy'), lab.through('legacy-http', 'legacy')]
    const [left, right] = await Promise.all(
      both.map(async (client) => {
        if (!(client instanceof HttpClient)) throw new Error('not over HTTP')
        await client.open('2025-03-26')
        await client.raw('POST', client.headersFor(), batch)
        const text = client.heard.at(-1)?.text ?? ''
        const messages: unknown[] = text.startsWith('[')
          ? JSON.parse(text)
          : [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data))
        await client.close()
        return messages.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
      }),
    )
    expect(right).toHaveLength(2)
    const byId = (all: unknown) => new Map((all as { id: string }[]).map((one) => [one.id, one]))
    expect(byId(right)).toEqual(byId(left))
  })

  it('has a use for every known difference', () => {
    expect(knownDifferences.map(({ line }) => line).filter((line) => !used.has(line))).toEqual([])
  })

  it('is documented line by line', async () => {
    const text = await readFile(new URL('../../docs/fidelity.md', import.meta.url), 'utf8')
    const lines = text
      .split(/\n(?=- )/)
      .slice(1)
      .map((line) => line.slice(2).replace(/\s+/g, ' '))
    expect(lines).toHaveLength(knownDifferences.length)
    for (const [index, { line }] of knownDifferences.entries()) expect(lines[index]).toContain(line)
  })
})

const directly = new Map<string, Promise<Transcripts>>()

async function compare(lab: Lab, server: ServerKind, client: Era): Promise<Difference[]> {
  const era = eraOf(server, client)
  const about = { server, client, isBridged: era !== client }
  const isScript = server.includes(' ')
  const table = isScript ? scriptedExchanges : [...sdkExchanges, ...httpExchanges]
  const isHttp = transportOf(server) === 'http'
  const key = `${server} ${era}`
  const known =
    directly.get(key) ?? transcriptsOf(lab.direct(server, client), { table, era, isHttp })
  directly.set(key, known)
  const [direct, through] = await Promise.all([
    known,
    transcriptsOf(lab.through(server, client), { table, era, isHttp }),
  ])
  return differencesIn(direct, through, about)
}
