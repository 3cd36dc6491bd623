import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { silentLogger } from '../src/lib/logger.ts'
import { createProcessReaper } from '../src/lib/process-reaper.ts'
import { wait } from '../src/lib/wait.ts'
import type { TunnelDependencies, TunnelProvider } from '../src/tunnels/tunnel-provider.ts'
import { createTunnelProvider } from '../src/tunnels/tunnel-providers.ts'
import { type EdgeCertificate, issueEdgeCertificate } from '../test/emulators/certificates.ts'
import { startCloudflareEdge } from '../test/emulators/cloudflare-edge.ts'
import { placeCloudflared } from '../test/emulators/cloudflared-binary.ts'
import { startLocaltunnelServer } from '../test/emulators/localtunnel-server.ts'
import { startNgrokEdge } from '../test/emulators/ngrok-edge.ts'
import { childrenOf } from '../test/fixtures/processes.ts'
import { startTarget } from '../test/tunnels/target.ts'
import { type PublicAddress, visit } from '../test/tunnels/visitor.ts'

// Opens a tunnel, calls through it and closes it, again and again, with each provider's client
// against its emulated edge; exits with 1 when a process, handle or memory is left behind:
//   node bench/tunnel-soak.ts [ROUNDS] [PROVIDER...]
// CLOUDFLARED_BIN makes it run the real cloudflared instead of the stand-in.
const rounds = Number(process.argv[2] ?? 200)
const wanted = process.argv.slice(3)
/** Rounds before the first count, in which modules load and pools fill. */
const warmUpRounds = 10
/** More than this after a garbage collection is a leak and no noise, MiB. */
const heapGrowthMiB = 8
/** What was killed takes a moment to be gone, ms. */
const settleMs = 5_000

interface Soaked {
  /** A fresh one for each round: a used one waits to get its name back. */
  createProvider(): TunnelProvider
  locate(publicUrl: URL): PublicAddress
  close(): Promise<void>
}

interface Surroundings {
  readonly dependencies: TunnelDependencies
  readonly certificate: EdgeCertificate
  readonly folder: string
  readonly caCertFile: string
}

const itself = ({ host, port }: URL): PublicAddress => ({ host, port: Number(port) })

const soaked: Record<string, (around: Surroundings) => Promise<Soaked>> = {
  async localtunnel({ dependencies }) {
    const server = await startLocaltunnelServer()
    const options = { host: server.host, subdomain: undefined, anySubdomain: false }
    const createProvider = () => createTunnelProvider('localtunnel', options, dependencies)
    return { createProvider, locate: itself, close: () => server.close() }
  },
  async ngrok({ dependencies, certificate, caCertFile }) {
    const edge = await startNgrokEdge(certificate)
    const authtoken = '2abcdefghijklmnopqrstuvwxyz_0123456789abcdefghij'
    const options = { authtoken, domain: undefined, serverAddr: edge.address, caCertFile }
    const createProvider = () => createTunnelProvider('ngrok', options, dependencies)
    return { createProvider, locate: itself, close: () => edge.close() }
  },
  async cloudflare({ dependencies, certificate, caCertFile, folder }) {
    const edge = await startCloudflareEdge(certificate)
    const bin = process.env.CLOUDFLARED_BIN ?? (await placeCloudflared(folder))
    const options = {
      tunnel: { kind: 'quick' as const },
      binary: { bin, searchPath: '', installDir: folder },
      protocol: 'http2' as const,
      edge: { quickService: edge.quickService, address: edge.address, caCertFile },
    }
    const createProvider = () => createTunnelProvider('cloudflare', options, dependencies)
    const locate = ({ host }: URL) => ({ host, port: edge.publicPort })
    return { createProvider, locate, close: () => edge.close() }
  },
}

interface Footprint {
  /** Active handles and timers, by kind. */
  readonly handles: ReadonlyMap<string, number>
  readonly children: number
  readonly heapMiB: number
  readonly rssMiB: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function takeFootprint(): Footprint {
  collectGarbage()
  const handles = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    handles.set(kind, (handles.get(kind) ?? 0) + 1)
  }
  const { heapUsed, rss } = process.memoryUsage()
  const mib = 1024 * 1024
  return {
    handles,
    children: childrenOf(process.pid).length,
    heapMiB: heapUsed / mib,
    rssMiB: rss / mib,
  }
}

/** What there is more of than before. */
function findLeftovers(before: Footprint, after: Footprint): string[] {
  const left = [...after.handles].flatMap(([kind, count]) => {
    const more = count - (before.handles.get(kind) ?? 0)
    return more > 0 ? [`${more} ${kind}`] : []
  })
  const processes = after.children - before.children
  if (processes > 0) left.push(`${processes} processes`)
  const grown = after.heapMiB - before.heapMiB
  if (grown > heapGrowthMiB) left.push(`${grown.toFixed(1)} MiB of heap`)
  return left
}

async function settle(before: Footprint | undefined): Promise<Footprint> {
  const deadline = performance.now() + settleMs
  for (;;) {
    await wait(100)
    const now = takeFootprint()
    const isSettled = before !== undefined && findLeftovers(before, now).length === 0
    if (isSettled || performance.now() > deadline) return now
  }
}

interface Round {
  readonly openMs: number
  readonly callMs: number
  readonly closeMs: number
}

async function runRound({ createProvider, locate }: Soaked, target: URL): Promise<Round> {
  const provider = createProvider()
  const startedAt = performance.now()
  const tunnel = await provider.open(target, { signal: new AbortController().signal })
  const openAt = performance.now()
  const { status, text } = await visit(locate(tunnel.publicUrl), '/hello')
  const calledAt = performance.now()
  await tunnel.close()
  if (text !== 'hello GET') throw new Error(`${provider.name}: HTTP ${status} ${text}`)
  return {
    openMs: openAt - startedAt,
    callMs: calledAt - openAt,
    closeMs: performance.now() - calledAt,
  }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

/** Resolves with what was left behind. */
async function soak(name: string, harness: Soaked): Promise<string[]> {
  const target = await startTarget()
  for (let round = 0; round < warmUpRounds; round += 1) await runRound(harness, target.url)
  const before = await settle(undefined)
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) done.push(await runRound(harness, target.url))
  const after = await settle(before)
  await target.stop()
  const left = findLeftovers(before, after)
  const figures = [
    `open ${Math.round(median(done.map(({ openMs }) => openMs)))} ms`,
    `call ${Math.round(median(done.map(({ callMs }) => callMs)))} ms`,
    `close ${Math.round(median(done.map(({ closeMs }) => closeMs)))} ms`,
    `RSS ${before.rssMiB.toFixed(1)} -> ${after.rssMiB.toFixed(1)} MiB`,
    `heap ${before.heapMiB.toFixed(1)} -> ${after.heapMiB.toFixed(1)} MiB`,
  ]
  console.log(
    `soak ${name}, ${rounds} rounds: ${figures.join(', ')}; left: ${left.join(', ') || 'nothing'}`,
  )
  return left
}

const folder = await mkdtemp(join(tmpdir(), 'sallyport-soak-'))
const reaper = createProcessReaper()
const certificate = await issueEdgeCertificate()
const caCertFile = join(folder, 'ca.pem')
await writeFile(caCertFile, certificate.ca)
const environment = { ...process.env, HOME: folder }
const dependencies = { reaper, logger: silentLogger, environment }
const names = Object.keys(soaked).filter((name) => wanted.length === 0 || wanted.includes(name))
try {
  for (const name of names) {
    const harness = await soaked[name]?.({ dependencies, certificate, folder, caCertFile })
    if (!harness) continue
    if ((await soak(name, harness)).length > 0) process.exitCode = 1
    await harness.close()
  }
} finally {
  reaper.close()
  await rm(folder, { recursive: true, force: true })
}
