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
  start: (fixture: ServerSketch) => Promise<TestGateway>,
): Promise<SuiteResult[]> {
  const results: SuiteResult[] = []
  for (const revision of revisions) {
    try {
      const gateway = await start(overStdio(revision))
      try {
        results.push(await runSuite({ url: gateway.url(), label, revision, outDir }))
      } finally {
        await gateway.close()
      }
    } catch (error) {
      console.error(error)
      results.push(notRun({ label, revision }))
    }
  }
  return results
}

/** A stdio server is asked for its era once; the questions of the suite are of one era each. */
function overStdio(revision: string): ServerSketch {
  const era = revision === '2026-07-28' ? 'modern' : 'legacy'
  return { ...stdioFixture('conformance-stdio.ts'), era }
}

/** With a profile that asks for a token even on this machine. */
async function startProtected(fixture: ServerSketch): Promise<TestGateway> {
  const profiles = { default: { auth: 'oauth' as const } }
  const gateway = await startTestGateway({ servers: { fixture }, profiles })
  const store = openSqliteStore(join(gateway.config.home, 'state.sqlite'))
  const { key } = await createApiKeys({ store, now: Date.now }).create({ profile: 'default' })
  const proxy = await startBearerProxy(gateway.url(), key)
  return {
    ...gateway,
    url: () => proxy.url,
    async close() {
      await proxy.close()
      store.close()
      await gateway.close()
    },
  }
}

async function testThroughTunnel(emulate: () => Promise<EmulatedEdge>): Promise<SuiteResult[]> {
  const { provider, tunnels, close } = await emulate()
  const results = await testThroughGateway(provider, (conformance) =>
    startTunnelledGateway({ servers: { conformance }, order: [provider], tunnels }),
  )
  await close()
  return results
}

const upstream = await startServer('conformance-http')
const overHttp: ServerSketch = { url: upstream.url }
const results = [
  ...(await testThroughGateway('stdio', (fixture) => startTestGateway({ servers: { fixture } }))),
  ...(await testThroughGateway('http', () => startTestGateway({ servers: { fixture: overHttp } }))),
  ...(await testThroughGateway('protected', startProtected)),
  ...(await testThroughTunnel(emulateLocaltunnel)),
  ...(await testThroughTunnel(emulateNgrok)),
]
await upstream.close()
for (const result of results) console.log(formatResult(result))
await mkdir(outDir, { recursive: true })
await writeFile(join(outDir, 'report.json'), `${JSON.stringify(results, null, 2)}\n`)
process.exit(results.every(isConformant) ? 0 : 1)
