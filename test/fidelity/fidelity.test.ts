import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareMessages, type Difference, normalized } from './compare.ts'
import { type Exchange, scriptedExchanges, sdkExchanges } from './exchanges.ts'
import { knownDifferences } from './known-differences.ts'
import { clients, eraOf, fixtures, type Lab, type ServerKind, scripts, startLab } from './pairs.ts'
import type { Era, WireClient } from './wire-client.ts'

// Every exchange once directly and once through a profile of one, compared message by message.
const kinds: readonly ServerKind[] = [...scripts, ...fixtures]
const pairs = kinds.flatMap((server) => clients.map((client) => ({ client, server })))
const used = new Set<string>()

describe('through the gateway as without it', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await startLab(kinds)
  }, 40_000)
  afterAll(() => lab.close())

  it.each(pairs)(
    '$client client, $server server',
    async ({ client, server }) => {
      const unexplained = (await compare(lab, server, client)).filter((difference) => {
        const known = knownDifferences.filter((one) => one.explains(difference))
        for (const { line } of known) used.add(line)
        return known.length === 0
      })
      expect(unexplained).toEqual([])
    },
    40_000,
  )

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

async function compare(lab: Lab, server: ServerKind, client: Era): Promise<Difference[]> {
  const era = eraOf(server, client)
  const direct = lab.direct(server, client)
  const through = lab.through(server, client)
  const found: Difference[] = []
  const table = server.includes(' ') ? scriptedExchanges : sdkExchanges
  const opening: Exchange = { name: 'handshake', run: (one) => one.open() }
  for (const { name, only, run } of [opening, ...table]) {
    if (only && (only !== client || only !== era)) continue
    const transcripts = await Promise.all([direct, through].map((one) => transcript(one, run)))
    const [left = [], right = []] = transcripts.map(normalized)
    const about = { exchange: name, pair: `${client} client, ${server} server`, server, client }
    const isBridged = era !== client
    found.push(...compareMessages(left, right).map((one) => ({ ...about, isBridged, ...one })))
  }
  await Promise.all([direct.close(), through.close()])
  return found
}

async function transcript(client: WireClient, run: Exchange['run']) {
  const from = client.heard.length
  await run(client)
  return client.heard.slice(from)
}
