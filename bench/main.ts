import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { installPeers } from './peers.ts'
import { closeAll } from './programs.ts'
import { formatTable, type Table, writeReport } from './report.ts'
import { callsTable } from './tables/calls.ts'
import { memoryTable } from './tables/memory.ts'
import { sizesTable } from './tables/sizes.ts'
import { startTable } from './tables/start.ts'
import { tokensTable } from './tables/tokens.ts'

// What the gateway costs: `pnpm bench` measures everything and writes docs/performance.md;
// `pnpm bench calls memory` measures and prints those alone.
const rounds = 15
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const peers = () => installPeers(file('../node_modules/.cache/bench-peers'))
const all: Readonly<Record<string, () => Promise<Table>>> = {
  calls: () => callsTable(rounds, peers()),
  sizes: () => sizesTable(rounds),
  memory: () => memoryTable([2_000, 9_500]),
  start: () => startTable(rounds),
  tokens: () => tokensTable(rounds),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in all))
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}; there are ${Object.keys(all).join(', ')}.`)
  process.exit(2)
}
const tables: Table[] = []
for (const [name, measure] of Object.entries(all)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.error(`  measuring ${name}`)
  const table = await measure()
  await closeAll()
  console.log(formatTable(table))
  tables.push(table)
}
if (asked.length === 0) {
  const [cpu] = cpus()
  const where = `Node ${process.versions.node}, ${cpus().length} × ${cpu?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}.`
  writeReport(file('../docs/performance.md'), tables, where)
}
process.exit(0)
