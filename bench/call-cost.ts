import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'

// What one `tools/call` costs in the gateway's process, against a bare proxy in the same run:
//   node bench/call-cost.ts [CALLS]
// A closed loop over 16 connections; read the ratios, not the microseconds.
const calls = Number(process.argv[2] ?? 20_000)
const connections = 16
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
  readonly rssMiB: number
}

async function start(file: string, args: string[] = []) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args)
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { child, url: new URL(url) }
}

async function usage(child: ChildProcess) {
  child.send('usage')
  const [{ cpu, rss }] = await once(child, 'message')
  return { micros: cpu.user + cpu.system, rss }
}

async function measure(name: string, target: { child: ChildProcess; url: URL }): Promise<Measured> {
  const pool = new Pool(target.url.origin, { connections })
  const once = async () => {
    const answer = await pool.request({ path: target.url.pathname, method: 'POST', headers, body })
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
  const before = await usage(target.child)
  const startedAt = performance.now()
  await loop(calls)
  const seconds = (performance.now() - startedAt) / 1000
  const after = await usage(target.child)
  await pool.close()
  return {
    name,
    cpuMicros: (after.micros - before.micros) / calls,
    callsPerSecond: calls / seconds,
    rssMiB: after.rss / 2 ** 20,
  }
}

const upstream = await start('echo-upstream.ts')
const proxy = await start('bare-proxy.ts', [upstream.url.href])
const gateway = await start('gateway-process.ts', [upstream.url.href])
const bare = await measure('bare undici proxy', proxy)
const ours = await measure('sallyport', gateway)
for (const { name, cpuMicros, callsPerSecond, rssMiB } of [bare, ours]) {
  console.log(
    `${name.padEnd(18)} ${cpuMicros.toFixed(0).padStart(5)} µs CPU a call ` +
      `${callsPerSecond.toFixed(0).padStart(6)} calls/s ${rssMiB.toFixed(0).padStart(4)} MiB`,
  )
}
console.log(`ratio              ${(ours.cpuMicros / bare.cpuMicros).toFixed(1)}`)
for (const { child } of [gateway, proxy, upstream]) child.disconnect()
process.exit(0)
