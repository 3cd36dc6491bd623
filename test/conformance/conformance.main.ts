import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EmulatedEdge, emulateLocaltunnel, emulateNgrok } from '../fixtures/emulated-edge.ts'
import {
  type ServerSketch,
  startTestGateway,
  stdioFixture,
  type TestGateway,
} from '../fixtures/gateway.ts'
import { startServer } from '../fixtures/start-server.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'
import {
  formatResult,
  isConformant,
  notRun,
  runSuite,
  type SuiteResult,
} from './conformance-suite.ts'
import { revisions } from './required-scenarios.ts'

// The program for CI: a gateway with a profile over the conformance fixture must pass every required
// scenario of both revisions, with the fixture over stdio and over HTTP, and with the suite coming
// in through a tunnel.
const outDir = fileURLToPath(new URL('../../test-results/conformance/', import.meta.url))

async function testThroughGateway(
  label: string,
  start: () => Promise<TestGateway>,
): Promise<SuiteResult[]> {
  const results: SuiteResult[] = []
  try {
    const gateway = await start()
    try {
      for (const revision of revisions) {
        results.push(await runSuite({ url: gateway.url(), label, revision, outDir }))
      }
    } finally {
      await gateway.close()
    }
  } catch (error) {
    console.error(error)
    const missing = revisions.slice(results.length)
    results.push(...missing.map((revision) => notRun({ label, revision })))
  }
  return results
}

async function testThroughTunnel(emulate: () => Promise<EmulatedEdge>): Promise<SuiteResult[]> {
  const { provider, tunnels, close } = await emulate()
  const options = { servers: { conformance: overStdio }, order: [provider], tunnels }
  const results = await testThroughGateway(provider, () => startTunnelledGateway(options))
  await close()
  return results
}

const overStdio: ServerSketch = stdioFixture('conformance-stdio.ts')
const upstream = await startServer('conformance-http.ts')
const overHttp: ServerSketch = { url: upstream.url }
const results = [
  ...(await testThroughGateway('stdio', () =>
    startTestGateway({ servers: { fixture: overStdio } }),
  )),
  ...(await testThroughGateway('http', () => startTestGateway({ servers: { fixture: overHttp } }))),
  ...(await testThroughTunnel(emulateLocaltunnel)),
  ...(await testThroughTunnel(emulateNgrok)),
]
await upstream.close()
for (const result of results) console.log(formatResult(result))
await mkdir(outDir, { recursive: true })
await writeFile(join(outDir, 'report.json'), `${JSON.stringify(results, null, 2)}\n`)
process.exit(results.every(isConformant) ? 0 : 1)
