import { join } from 'node:path'
import type { Era } from '../../src/mcp/wire/protocol.ts'
import { measureCalls, type Subject } from '../measure.ts'
import { type Peers, startPeers } from '../peers.ts'
import { createHome, rawStdio, serverEntry, startGateway, startServer } from '../programs.ts'
import { formatSpread, type Table } from '../report.ts'

const eras = ['legacy', 'modern'] as const
const year = { legacy: '2025', modern: '2026' } as const
const calls = 500

/** CPU of the process between client and server, a call, over 16 connections. */
export async function callsTable(rounds: number, peers: Peers | undefined): Promise<Table> {
  const subjects: Subject[] = []
  for (const server of eras) subjects.push(...(await overHttp(server)))
  for (const server of eras) subjects.push(...(await overStdio(server, peers)))
  const rows = await measureCalls(subjects, rounds)
  return {
    title: 'A call',
    about: `CPU time of the process in between (user and system) of one \`tools/call\` with a small answer, ${calls} calls a round, ${rounds} rounds, 16 connections. The ratio is to the line of the same group that has none, in the same round.`,
    head: ['client → server', 'µs a call', 'ratio'],
    rows: rows.map(({ name, cpuMicros, ratio }, index) => [
      name,
      formatSpread(cpuMicros),
      subjects[index]?.base === undefined ? '' : formatSpread(ratio, 2),
    ]),
  }
}

async function overHttp(server: Era): Promise<Subject[]> {
  const raw = await startServer('raw-http.ts', server)
  const home = createHome({ mcpServers: { raw: serverEntry(raw.url) } })
  const gateway = await startGateway(home)
  const certs = join(home.folder, '.sallyport/certs')
  const files = [join(certs, 'addresses.pem'), join(certs, 'addresses-key.pem')]
  const [bare, secure] = await Promise.all([
    startServer('bare-proxy.ts', raw.url.href),
    startServer('bare-proxy.ts', raw.url.href, ...files),
  ])
  const to = `${year[server]} over HTTP`
  const base = `bare undici proxy → ${to}`
  const secureBase = `${base}, from HTTPS`
  const pairs = (url: URL, from: string, against: string) =>
    eras.map((era) => {
      const name = `${year[era]}${from} → ${to}`
      return { name, program: gateway, url, era, calls, base: against }
    })
  return [
    { name: base, program: bare, era: server, calls },
    ...pairs(gateway.url, '', base),
    { name: secureBase, program: secure, era: server, calls },
    ...pairs(gateway.secureUrl, ' over HTTPS', secureBase),
  ]
}

async function overStdio(server: Era, peers: Peers | undefined): Promise<Subject[]> {
  const command = rawStdio(server)
  const pipe = await startServer('raw-pipe.ts', ...command)
  const gateway = await startGateway(createHome({ mcpServers: { raw: serverEntry(command) } }))
  const to = `${year[server]} over stdio`
  const base = `raw pipe → ${to}`
  const others = server === 'legacy' && peers ? await startPeers(peers, command) : []
  return [
    { name: base, program: pipe, era: server, calls },
    ...eras.map((era) => {
      return { name: `${year[era]} → ${to}`, program: gateway, era, calls, base }
    }),
    ...others.map(({ name, ...peer }) => ({ ...peer, name: `${name} → ${to}`, calls, base })),
  ]
}
