import { Pool } from 'undici'
import type { Era } from '../src/mcp/wire/protocol.ts'
import { type Client, openClient, openSseClient } from './clients.ts'
import type { Program } from './programs.ts'

const connections = 16
/** Rounds before the first that counts. */
const warmUp = 8

/** One row of a table: a process, and what is asked of it. */
export interface Subject {
  readonly name: string
  readonly program: Program
  /** Where it is not the program's own. */
  readonly url?: URL
  readonly era: Era | 'sse'
  readonly tool?: string
  readonly authorization?: string
  /** Instead of a call. */
  readonly method?: 'tools/list'
  readonly calls: number
  /** The name of what it is compared with, in the same round. */
  readonly base?: string
}

export interface Measured {
  readonly name: string
  /** User and system time of the process, µs a call: the median of the rounds, and both ends. */
  readonly cpuMicros: Spread
  /** To its base in the same round. */
  readonly ratio: Spread
}

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN
  return { median: at(0.5), low: at(0.1), high: at(0.9) }
}

export function openPool(url: URL, size = connections): Pool {
  return new Pool(url.origin, {
    connections: size,
    connect: { rejectUnauthorized: false },
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

/** A closed loop over 16 connections, each a client of its own. */
async function openLoad({ program, url = program.url, era, ...subject }: Subject) {
  const path = url.pathname
  const pools: Pool[] = []
  const clients: Client[] = []
  for (let index = 0; index < connections; index += 1) {
    const pool = openPool(url, era === 'sse' ? 2 : 1)
    const { authorization } = subject
    const options = { pool, path, ...(authorization !== undefined && { authorization }) }
    pools.push(pool)
    clients.push(era === 'sse' ? await openSseClient(options) : await openClient(era, options))
  }
  const { method = 'tools/call', tool = 'echo' } = subject
  const params = method === 'tools/call' ? { name: tool, arguments: { text: 'hello' } } : undefined
  return {
    async run(count: number) {
      let left = count
      await Promise.all(
        clients.map(async (client) => {
          while (left-- > 0) await client.request(method, params)
        }),
      )
    },
    close: () => Promise.all(pools.map((pool) => pool.destroy())),
  }
}

type Load = Awaited<ReturnType<typeof openLoad>>

/** Measures subjects in rounds, one after the other, so that a noisy moment hits all alike. */
export async function measureCalls(
  subjects: readonly Subject[],
  rounds: number,
): Promise<Measured[]> {
  const loads: { subject: Subject; load: Load; costs: number[] }[] = []
  for (const subject of subjects) loads.push({ subject, load: await openLoad(subject), costs: [] })
  // Until what is called often has been compiled well.
  for (const { load, subject } of loads) await load.run(subject.calls * warmUp)
  for (let round = 0; round < rounds; round += 1) {
    for (const { subject, load, costs } of loads) {
      // Whoever was idle meanwhile has cold caches, which is not what a call costs.
      await load.run(subject.calls / 2)
      const before = await subject.program.usage('cpu')
      await load.run(subject.calls)
      const after = await subject.program.usage('cpu')
      costs.push((after.cpuMicros - before.cpuMicros) / subject.calls)
    }
  }
  for (const { load } of loads) await load.close()
  return loads.map(({ subject, costs }) => {
    const base = loads.find((one) => one.subject.name === subject.base)?.costs ?? costs
    const ratios = costs.map((cost, round) => cost / (base[round] ?? Number.NaN))
    return { name: subject.name, cpuMicros: spreadOf(costs), ratio: spreadOf(ratios) }
  })
}
