import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createApiKeys } from '../../src/oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { type EmulatedEdge, emulateLocaltunnel, emulateNgrok } from '../fixtures/emulated-edge.ts'
import {
  type ServerSketch,
  startTestGateway,
  stdioFixture,
  type TestGateway,
} from '../fixtures/gateway.ts'
import { startServer } from '../fixtures/start-server.ts'
import { startTunnelledGateway } from '../fixtures/tunnelled-gateway.ts'
import { startBearerProxy } from './bearer-proxy.ts'
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
// in through a tunnel or with a token.
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

/** With a profile that asks for a token even on this machine. */
async function testProtected(): Promise<SuiteResult[]> {
  const profiles = { default: { auth: 'oauth' as const } }
  const gateway = await startTestGateway({ servers: { fixture: overStdio }, profiles })
  const store = openSqliteStore(join(gateway.config.home, 'state.sqlite'))
  const { key } = await createApiKeys({ store, now: Date.now }).create({ profile: 'default' })
  const proxy = await startBearerProxy(gateway.url(), key)
  const through = async () => ({ ...gateway, url: () => proxy.url })
  const results = await testThroughGateway('protected', through)
  await proxy.close()
  store.close()
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
  ...(await testProtected()),
  ...(await testThroughTunnel(emulateLocaltunnel)),
  ...(await testThroughTunnel(emulateNgrok)),
]
await upstream.close()
for (const result of results) console.log(formatResult(result))
await mkdir(outDir, { recursive: true })
await writeFile(join(outDir, 'report.json'), `${JSON.stringify(results, null, 2)}\n`)
process.exit(results.every(isConformant) ? 0 : 1)
