import { openClient } from '../clients.ts'
import { openPool, spreadOf } from '../measure.ts'
import { createHome, rawStdio, serverEntry, startGateway, startServer } from '../programs.ts'
import { formatSpread, type Table } from '../report.ts'

/** From the start of the process to the answer to `initialize`, in a folder that was used before. */
export async function startTable(rounds: number): Promise<Table> {
  const home = createHome({ mcpServers: { raw: serverEntry(rawStdio('legacy')) } })
  const first = await measure(() => startGateway(home))
  const gateway = { clock: [] as number[], cpu: [] as number[] }
  const node = { clock: [] as number[], cpu: [] as number[] }
  for (let round = 0; round < rounds; round += 1) {
    add(node, await measure(() => startServer('raw-http.ts', 'legacy')))
    add(gateway, await measure(() => startGateway(home)))
  }
  const row = (name: string, { clock, cpu }: typeof gateway) => [
    name,
    formatSpread(spreadOf(clock)),
    formatSpread(spreadOf(cpu)),
  ]
  return {
    title: 'Start',
    about:
      'From starting the process to the answer to a client’s `initialize`, with HTTPS and one stdio server, in a folder that was used before; a small server of Node’s `http` alone beside it.',
    head: ['what', 'ms on the clock', 'ms of CPU'],
    rows: [
      ['first start in a new folder', first.clock.toFixed(0), first.cpu.toFixed(0)],
      row('every other start', gateway),
      row('the raw server', node),
    ],
  }
}

interface Measured {
  readonly clock: number
  readonly cpu: number
}

async function measure(start: () => ReturnType<typeof startServer>): Promise<Measured> {
  const startedAt = performance.now()
  const program = await start()
  const pool = openPool(program.url, 1)
  await openClient('legacy', { pool, path: program.url.pathname })
  const clock = performance.now() - startedAt
  const cpu = (await program.usage('cpu')).cpuMicros / 1000
  await pool.destroy()
  await program.close()
  return { clock, cpu }
}

function add(to: { clock: number[]; cpu: number[] }, { clock, cpu }: Measured): void {
  to.clock.push(clock)
  to.cpu.push(cpu)
}
