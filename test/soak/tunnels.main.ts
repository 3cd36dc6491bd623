import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProcessReaper } from '../../src/lib/process-reaper.ts'
import type { TunnelDependencies, TunnelProvider } from '../../src/tunnels/tunnel-provider.ts'
import { createTunnelProvider } from '../../src/tunnels/tunnel-providers.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'
import { type Footprint, findLeftovers, takeSettledFootprint } from './footprint.ts'
import type { Outside, Visited } from './tunnel-outside.main.ts'

// Opens a tunnel, calls through it and closes it, again and again, with each provider's client:
//   node test/soak/tunnels.main.ts [ROUNDS] [PROVIDER...]
// Prints one line per check and, last, `soak tunnels: PASSED/TOTAL`, which `.ci/run` counts.
// CLOUDFLARED_BIN makes it run the real cloudflared instead of the stand-in.
const rounds = Number(process.argv[2] ?? 200)
const wanted = process.argv.slice(3)
/** Rounds before the first count, in which modules load and pools fill. */
const warmUpRounds = 20
/** More than this in the second half of the rounds is a leak and no noise, MiB. */
const growthMiB = { heap: 2, rss: 8 }

type Create = (edge: Outside['edge'], dependencies: TunnelDependencies) => TunnelProvider

const providers: Record<string, Create> = {
  localtunnel: ({ host = '' }, dependencies) => {
    const options = { host: new URL(host), subdomain: undefined, anySubdomain: false }
    return createTunnelProvider('localtunnel', options, dependencies)
  },
  ngrok: ({ address, caCertFile }, dependencies) => {
    const authtoken = '2abcdefghijklmnopqrstuvwxyz_0123456789abcdefghij'
    const options = { authtoken, domain: undefined, serverAddr: address, caCertFile }
    return createTunnelProvider('ngrok', options, dependencies)
  },
  cloudflare: ({ binary, address = '', caCertFile = '', quickService = '' }, dependencies) => {
    const options = {
      tunnel: { kind: 'quick' as const },
      binary: { bin: binary, searchPath: '', installDir: tmpdir() },
      protocol: 'http2' as const,
      edge: { quickService, address, caCertFile },
    }
    return createTunnelProvider('cloudflare', options, dependencies)
  },
}

let passed = 0
let total = 0

function check(name: string, problems: readonly string[], figures = ''): void {
  total += 1
  if (problems.length === 0) passed += 1
  const outcome = problems.length === 0 ? figures : problems.join(', ')
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${outcome || 'nothing'}`)
}

/** A fresh provider for each round: a used one waits to get its name back. */
async function runRound(
  provider: TunnelProvider,
  { target, outside }: { target: URL; outside: ChildProcess },
): Promise<void> {
  const tunnel = await provider.open(target, { signal: new AbortController().signal })
  outside.send(tunnel.publicUrl.href)
  const [{ status, text }] = (await once(outside, 'message')) as [Visited]
  await tunnel.close()
  if (text !== 'hello GET') throw new Error(`${provider.name}: HTTP ${status} ${text}`)
}

async function soak(name: string, create: Create, folder: string): Promise<void> {
  const outside = fork(fileURLToPath(new URL('tunnel-outside.main.ts', import.meta.url)), [
    name,
    folder,
  ])
  const [told] = (await once(outside, 'message')) as [Outside]
  const target = new URL(told.target)
  const reaper = createProcessReaper()
  const environment = { ...process.env, HOME: folder }
  const dependencies = { reaper, logger: silentLogger, environment }
  const run = async (count: number) => {
    for (let round = 0; round < count; round += 1) {
      await runRound(create(told.edge, dependencies), { target, outside })
    }
  }
  await run(warmUpRounds)
  const before = await takeSettledFootprint()
  await run(Math.ceil(rounds / 2))
  const halfway = await takeSettledFootprint(before)
  await run(Math.floor(rounds / 2))
  const after = await takeSettledFootprint(before)
  reaper.close()
  outside.disconnect()

  check(`${name}, ${rounds} rounds, leaves behind`, findLeftovers(before, after))
  const course = [before, halfway, after]
  check(`${name}, memory stays flat`, growth(halfway, after), describeMemory(course))
}

function growth(before: Footprint, after: Footprint): string[] {
  const grown = { heap: after.heapMiB - before.heapMiB, rss: after.rssMiB - before.rssMiB }
  return (['heap', 'rss'] as const)
    .filter((kind) => grown[kind] > growthMiB[kind])
    .map((kind) => `${kind} grew by ${grown[kind].toFixed(1)} MiB in the second half`)
}

function describeMemory(course: readonly Footprint[]): string {
  const of = (key: 'heapMiB' | 'rssMiB') => course.map((at) => at[key].toFixed(1)).join(' -> ')
  return `heap ${of('heapMiB')}, RSS ${of('rssMiB')} MiB (start, halfway, end)`
}

const folder = await mkdtemp(join(tmpdir(), 'sallyport-soak-'))
try {
  for (const [name, create] of Object.entries(providers)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    await soak(name, create, folder)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`soak tunnels: ${passed}/${total}`)
process.exitCode = passed === total ? 0 : 1
