import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeDifference } from '../fidelity/compare.ts'
import { httpExchanges, sdkExchanges } from '../fidelity/exchanges.ts'
import { knownDifferences } from '../fidelity/known-differences.ts'
import { untilUp } from '../fidelity/pairs.ts'
import { differencesIn, transcriptsOf } from '../fidelity/transcripts.ts'
import { HttpClient, StdioClient } from '../fidelity/wire-client.ts'
import { freePort, startTestGateway } from '../fixtures/gateway.ts'
import { createChecklist } from './checklist.ts'
import { installPython } from './examples/python-environments.ts'

// What a client hears of a FastMCP server, directly and through a profile of one, over stdio and HTTP,
// message by message. Prints one line per check and, last, `e2e fidelity-python: PASSED/TOTAL`, which
// `.ci/run` counts. Where Python packages cannot be installed it says so, and nothing is counted.
const folder = fileURLToPath(new URL('./fastmcp/', import.meta.url))
const program = join(folder, 'tools_server.py')
const list = createChecklist('fidelity-python', {
  needs: 'Python and PyPI',
  print: (line) => console.log(line),
})
const table = [...sdkExchanges, ...httpExchanges]

async function testFidelity(python: string): Promise<void> {
  const port = await freePort()
  const child = spawn(python, [program, String(port)], { stdio: 'ignore' })
  const gone = once(child, 'exit')
  const url = `http://127.0.0.1:${port}/mcp`
  const gateway = await startTestGateway({
    servers: {
      // Over stdio it may be taken for either, as quickly as it starts; what it asks back works in 2025 alone.
      'fastmcp-stdio': { command: python, args: [program], era: 'legacy' },
      'fastmcp-http': { url },
    },
    profiles: {
      'fastmcp-stdio': { servers: ['fastmcp-stdio'] },
      'fastmcp-http': { servers: ['fastmcp-http'] },
    },
  })
  try {
    await untilUp(gateway, ['fastmcp-stdio', 'fastmcp-http'])
    for (const server of ['fastmcp-stdio', 'fastmcp-http']) {
      const isHttp = server.endsWith('http')
      for (const client of ['legacy', 'modern'] as const) {
        // Over HTTP it speaks both.
        const era = isHttp ? client : 'legacy'
        const about = { table, era, isHttp }
        const own = isHttp ? new HttpClient(url, era) : new StdioClient(era, [python, program])
        const direct = await transcriptsOf(own, about)
        const through = await transcriptsOf(new HttpClient(gateway.url(server), client), about)
        const pair = { server, client, isBridged: era !== client }
        const unexplained = differencesIn(direct, through, pair).filter(
          (difference) => !knownDifferences.some(({ explains }) => explains(difference)),
        )
        const details = unexplained.map(describeDifference).join('\n')
        list.check(
          `a ${client} client hears of ${server} what it hears directly`,
          details === '',
          details,
        )
      }
    }
  } finally {
    await gateway.close()
    child.kill('SIGKILL')
    await gone
  }
}

const scratch = await mkdtemp(join(tmpdir(), 'sallyport-fidelity-'))
try {
  const installed = await installPython(scratch, { folder, groups: [['fastmcp']] })
  if (installed.ok) await testFidelity(installed.pythons[0] ?? '')
  else if (installed.possible) list.check('is installed with pip', false, installed.reason)
  else list.skip('FastMCP: packages cannot be installed here', installed.reason)
} catch (error) {
  list.check('runs to its end', false, error instanceof Error ? (error.stack ?? '') : String(error))
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(list.finish() ? 0 : 1)
