import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ServerSketch, startTestGateway, stdioFixture } from '../fixtures/gateway.ts'
import { startServer } from '../fixtures/start-server.ts'
import {
  formatResult,
  isConformant,
  notRun,
  runSuite,
  type SuiteResult,
} from './conformance-suite.ts'
import { revisions } from './required-scenarios.ts'

// The program for CI: a gateway with a profile over the conformance fixture, over stdio and over
// HTTP, must pass every required scenario of both revisions.
const outDir = fileURLToPath(new URL('../../test-results/conformance/', import.meta.url))

async function testThroughGateway(label: string, server: ServerSketch): Promise<SuiteResult[]> {
  const results: SuiteResult[] = []
  try {
    const gateway = await startTestGateway({ servers: { conformance: server } })
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

const upstream = await startServer('conformance-http.ts')
const results = [
  ...(await testThroughGateway('stdio', stdioFixture('conformance-stdio.ts'))),
  ...(await testThroughGateway('http', { url: upstream.url })),
]
await upstream.close()
for (const result of results) console.log(formatResult(result))
await mkdir(outDir, { recursive: true })
await writeFile(join(outDir, 'report.json'), `${JSON.stringify(results, null, 2)}\n`)
process.exit(results.every(isConformant) ? 0 : 1)
