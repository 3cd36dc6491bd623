import { connect, type Socket } from 'node:net'
import { type Client, openClient } from '../clients.ts'
import { openPool } from '../measure.ts'
import {
  createHome,
  type Gateway,
  rawStdio,
  serverEntry,
  startGateway,
  startServer,
} from '../programs.ts'
import type { Table } from '../report.ts'

/** Memory of the gateway's process, as the system counts it, after garbage collections. */
export async function memoryTable(counts: readonly number[]): Promise<Table> {
  const rows: string[][] = []
  const mebi = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  const start = (server: URL | readonly string[]) =>
    startGateway(createHome({ mcpServers: { raw: serverEntry(server) } }))

  const idle = await start(rawStdio('legacy'))
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const before = (await idle.usage('memory')).rss
  rows.push(['idle, in front of one stdio server', mebi(before)])
  for (const count of counts) {
    const gateway = await start(rawStdio('legacy'))
    const each = await idleSessions(gateway, count)
    rows.push([
      `${count.toLocaleString('en')} idle sessions with their streams, each`,
      `${(each / 1024).toFixed(0)} KB`,
    ])
    await gateway.close()
  }
  const raw = await startServer('raw-http.ts', 'legacy')
  const busy = await start(raw.url)
  const rounds = []
  for (let round = 0; round < 5; round += 1) {
    await sessionsAndCalls(busy)
    rounds.push((await busy.usage('memory')).rss)
  }
  rows.push([
    'after each of five rounds of 1,000 sessions and 10,000 calls',
    rounds.map(mebi).join(', '),
  ])
  return {
    title: 'Memory',
    about: 'RSS of the gateway’s process after garbage collections.',
    head: ['what', 'RSS'],
    rows,
  }
}

/** @returns bytes a session that is open, listens, and says nothing */
async function idleSessions(gateway: Gateway, count: number): Promise<number> {
  const pool = openPool(gateway.url)
  const open = async (sockets: Socket[]) => {
    const client = await openClient('legacy', { pool, path: gateway.url.pathname })
    await client.request('tools/list')
    sockets.push(await listen(gateway.url, client))
  }
  // What the first ones make the process grow by is nobody's session.
  const sockets: Socket[] = []
  await inParallel(200, () => open(sockets))
  const before = (await gateway.usage('memory')).rss
  await inParallel(count, () => open(sockets))
  const after = (await gateway.usage('memory')).rss
  for (const socket of sockets) socket.destroy()
  await pool.destroy()
  return (after - before) / count
}

/** The stream of a session on a socket of its own, as light as it can be. */
function listen(url: URL, { headers }: Client): Promise<Socket> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(Number(url.port), url.hostname)
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}\r\n`)
  return new Promise((resolve, reject) => {
    socket.once('data', () => resolve(socket)).once('error', reject)
  })
}

async function sessionsAndCalls(gateway: Gateway): Promise<void> {
  const pool = openPool(gateway.url)
  const path = gateway.url.pathname
  await inParallel(1_000, async () => {
    const client = await openClient('legacy', { pool, path })
    for (let call = 0; call < 10; call += 1) {
      await client.request('tools/call', { name: 'echo', arguments: { text: 'hello' } })
    }
    const end = await pool.request({ path, method: 'DELETE', headers: client.headers })
    await end.body.dump()
  })
  await pool.destroy()
}

async function inParallel(count: number, task: () => Promise<void>): Promise<void> {
  let left = count
  const worker = async () => {
    while (left-- > 0) await task()
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}
