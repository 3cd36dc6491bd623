import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getDefaultEnvironment } from '@modelcontextprotocol/client/stdio'
import { createChecklist } from '../e2e/checklist.ts'
import {
  compareMessages,
  type Difference,
  describeDifference,
  normalized,
} from '../fidelity/compare.ts'
import { knownDifferences } from '../fidelity/known-differences.ts'
import { untilUp } from '../fidelity/pairs.ts'
import { HttpClient, StdioClient, type WireClient } from '../fidelity/wire-client.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { installServers, nameOf } from './install.ts'
import { type PublishedServer, publishedServers } from './published-servers.ts'

// `node servers.main.ts [CACHE]`: servers from npm, each compared directly and as a profile of one. They
// are installed into CACHE (test-results/servers), and reach no network when they run. Prints one line per
// server and, last, `e2e servers: PASSED/TOTAL`.
const root = fileURLToPath(new URL('../../', import.meta.url))
const cache = resolve(process.argv[2] ?? join(root, 'test-results', 'servers'))
const list = createChecklist('servers', {
  needs: 'the npm registry, where they are not installed yet',
  print: (line) => console.log(line),
})
/** At most so many servers at once, as each is two processes. */
const atOnce = 2

/** What the gateway declares to a server that several clients share. */
const capabilities = {
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

function environmentIn(folder: string, { env }: PublishedServer): Record<string, string> {
  const nowhere = 'http://127.0.0.1:9'
  const offline = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NODE_USE_ENV_PROXY: '1' }
  return { ...getDefaultEnvironment(), HOME: folder, ...offline, ...env }
}

async function compare(
  server: PublishedServer,
  file: string,
  folder: string,
): Promise<Difference[]> {
  const env = environmentIn(folder, server)
  const args = [file, ...(server.args ?? [])]
  const sketch = { command: process.execPath, args, env, cwd: folder }
  const direct = new StdioClient('legacy', [process.execPath, ...args], { env, cwd: folder })
  const gateway = await startTestGateway({ servers: { one: sketch } })
  const through = new HttpClient(gateway.url(), 'legacy')
  try {
    await untilUp(gateway, ['one'])
    const found: Difference[] = []
    for (const [exchange, ask] of exchangesWith(server)) {
      const [left = [], right = []] = await Promise.all(
        [direct, through].map(async (client) => {
          const from = client.heard.length
          await ask(client)
          // What a server says by itself comes when it comes.
          const answers = client.heard
            .slice(from)
            .filter(({ message }) => message.method === undefined)
          return normalized(answers)
        }),
      )
      const about = { exchange, pair: nameOf(server), server: 'stdio', client: 'legacy' } as const
      found.push(
        ...compareMessages(left, right).map((one) => ({ ...about, isBridged: false, ...one })),
      )
    }
    return found.filter((one) => !knownDifferences.some((known) => known.explains(one)))
  } finally {
    await through.close()
    await gateway.close()
    await direct.close()
  }
}

function exchangesWith({
  call,
}: PublishedServer): [string, (client: WireClient) => Promise<unknown>][] {
  const lists = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']
  return [
    [
      'handshake',
      (client) => {
        client.capabilities = capabilities
        return client.open()
      },
    ],
    ...lists.map((method): [string, (client: WireClient) => Promise<unknown>] => [
      method,
      (client) => client.request(method, {}),
    ]),
    [
      'an unknown tool',
      (client) => client.request('tools/call', { name: 'no-such-tool', arguments: {} }),
    ],
    ['an unknown method', (client) => client.request('no/such/method', {})],
    ...(call
      ? [
          ['a call', (client: WireClient) => client.request('tools/call', call)] as [
            string,
            (client: WireClient) => Promise<unknown>,
          ],
        ]
      : []),
  ]
}

async function tryOne(server: PublishedServer, file: string, scratch: string): Promise<void> {
  const name = server.package
  const started = performance.now()
  try {
    const differences = await compare(server, file, scratch)
    const ms = Math.round(performance.now() - started)
    const details = differences.map(describeDifference)
    list.check(`${name} (${ms} ms)`, differences.length === 0, details.join('\n'))
  } catch (error) {
    list.check(name, false, error instanceof Error ? error.message.slice(0, 2_000) : String(error))
  }
}

const scratch = await mkdtemp(join(tmpdir(), 'sallyport-servers-'))
try {
  const programs = [...(await installServers(publishedServers, cache))]
  const next = async (): Promise<void> => {
    const one = programs.shift()
    if (!one) return
    const [server, program] = one
    if (program.ok) await tryOne(server, program.file, scratch)
    else list.skip(server.package, program.reason)
    return next()
  }
  await Promise.all(Array.from({ length: atOnce }, next))
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(list.finish() ? 0 : 1)
