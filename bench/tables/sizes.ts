import { openClient } from '../clients.ts'
import { measureCalls, openPool, type Subject, spreadOf } from '../measure.ts'
import { createHome, serverEntry, startGateway, startServer } from '../programs.ts'
import { formatSpread, type Table } from '../report.ts'

/** What is large, and what is long: big results, long lists, streams. 2026 → 2026 over HTTP. */
export async function sizesTable(rounds: number): Promise<Table> {
  const raw = await startServer('raw-http.ts', 'modern', 'many')
  const gateway = await startGateway(createHome({ mcpServers: { raw: serverEntry(raw.url) } }))
  const bare = await startServer('bare-proxy.ts', raw.url.href)
  const kinds = [
    { what: 'a result of 64 KB', tool: '64 KB', calls: 200 },
    { what: 'a result of 1 MB', tool: '1 MB', calls: 30 },
    { what: '`tools/list` of 500 tools', method: 'tools/list', calls: 50 },
  ] as const
  const subjects = kinds.flatMap(({ what, ...kind }): Subject[] => [
    { ...kind, name: `${what}: bare proxy`, program: bare, era: 'modern' },
    { ...kind, name: what, program: gateway, era: 'modern', base: `${what}: bare proxy` },
  ])
  const rows = await measureCalls(subjects, rounds)
  const direct = await firstBytes(raw.url, rounds * 5)
  const through = await firstBytes(gateway.url, rounds * 5)
  return {
    title: 'Large answers, long lists, streams',
    about:
      'CPU time as above, 2026 → 2026 over HTTP. The first byte of a stream is a time on the clock, from the request to the first event.',
    head: ['what', 'µs', 'ratio to the bare proxy'],
    rows: [
      ...rows.flatMap(({ name, cpuMicros, ratio }, index) =>
        subjects[index]?.base === undefined
          ? []
          : [[name, formatSpread(cpuMicros), formatSpread(ratio, 2)]],
      ),
      ['first byte of a stream, direct', formatSpread(direct), ''],
      ['first byte of a stream, through', formatSpread(through), ''],
    ],
  }
}

async function firstBytes(url: URL, count: number) {
  const pool = openPool(url, 1)
  const client = await openClient('modern', { pool, path: url.pathname })
  const micros: number[] = []
  for (let index = 0; index < count; index += 1) {
    const params = { name: 'stream', arguments: {}, _meta: { progressToken: index } }
    micros.push(await client.firstByte('tools/call', params))
  }
  await pool.destroy()
  return spreadOf(micros)
}
