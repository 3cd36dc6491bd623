import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import type { Usage } from './tell-usage.ts'

// What one `tools/call` costs in the gateway's process, against a bare proxy in the same run:
//   node bench/call-cost.ts [CALLS]
// A closed loop over 16 connections; read the ratios, not the microseconds.
const calls = Number(process.argv[2] ?? 20_000)
const connections = 16
const rounds = 10
const revision = '2026-07-28'
const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'echo',
    arguments: { text: 'hello' },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': revision,
  'mcp-method': 'tools/call',
  'mcp-name': 'echo',
}

interface Measured {
  readonly name: string
  /** User and system time of the measured process, µs a call. */
  readonly cpuMicros: number
  readonly callsPerSecond: number
  /** What its memory holds before the calls, and after them. */
  readonly heapMiB: readonly [number, number]
  readonly rssMiB: number
}

async function start(file: string, args: string[] = []) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, args, { execArgv: ['--expose-gc'] })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { child, url: new URL(url) }
}

async function ask(child: ChildProcess, what: 'cpu' | 'memory'): Promise<Usage> {
  child.send(what)
  const [{ usage }] = (await once(child, 'message')) as [{ usage: Usage }]
  return usage
}

/** Prepares to measure one process in rounds, so that a noisy moment of the machine hits all alike. */
async function open(name: string, { child, url }: { child: ChildProcess; url: URL }) {
  const pool = new Pool(url.origin, { connections })
  let cpuMicros = 0
  let seconds = 0
  const once = async () => {
    const answer = await pool.request({ path: url.pathname, method: 'POST', headers, body })
    const text = await answer.body.text()
    if (!text.includes('"hello"')) throw new Error(`${name}: ${answer.statusCode} ${text}`)
  }
  const loop = async (count: number) => {
    let left = count
    const worker = async () => {
      while (left-- > 0) await once()
    }
    await Promise.all(Array.from({ length: connections }, worker))
  }
  await loop(calls / 10)
  const heapBefore = (await ask(child, 'memory')).heapMiB
  await loop(calls / 10)

  return {
    async round() {
      const before = await ask(child, 'cpu')
      const startedAt = performance.now()
      await loop(calls / rounds)
      seconds += (performance.now() - startedAt) / 1000
      cpuMicros += (await ask(child, 'cpu')).cpuMicros - before.cpuMicros
    },
    async result(): Promise<Measured> {
      const { heapMiB, rssMiB } = await ask(child, 'memory')
      return {
        name,
        cpuMicros: cpuMicros / calls,
        callsPerSecond: calls / seconds,
        heapMiB: [heapBefore, heapMiB],
        rssMiB,
      }
    },
  }
}

const upstream = await start('echo-upstream.ts')
const proxy = await start('bare-proxy.ts', [upstream.url.href])
const gateway = await start('gateway-process.ts', [upstream.url.href])
const stdioGateway = await start('gateway-process.ts')
const measured = [
  await open('bare undici proxy', proxy),
  await open('sallyport, HTTP', gateway),
  await open('sallyport, stdio', stdioGateway),
]
for (let round = 0; round < rounds; round += 1) {
  for (const one of measured) await one.round()
}
const rows = await Promise.all(measured.map((one) => one.result()))
const bareMicros = rows[0]?.cpuMicros ?? Number.NaN
for (const { name, cpuMicros, callsPerSecond, heapMiB, rssMiB } of rows) {
  console.log(
    `${name.padEnd(18)} ${cpuMicros.toFixed(0).padStart(5)} µs CPU a call, ` +
      `ratio ${(cpuMicros / bareMicros).toFixed(1)} ` +
      `${callsPerSecond.toFixed(0).padStart(6)} calls/s ` +
      `heap ${heapMiB.map((size) => size.toFixed(0)).join(' to ')} MiB ` +
      `RSS ${rssMiB.toFixed(0)} MiB`,
  )
}
for (const { child } of [gateway, stdioGateway, proxy, upstream]) child.disconnect()
process.exit(0)
