import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../src/errors.ts'
import { freePort } from '../fixtures/gateway.ts'
import { type ClaudeCode, installClaudeCode } from './claude-code.ts'
import { type DevHttps, startDevHttps } from './dev-https.ts'

// The main job, done with the real Claude Code: from a copy of the repository to `Connected` over
// HTTPS. Prints one line per check and, last, `e2e claude-code: PASSED/TOTAL`, which `.ci/run`
// counts. Nothing is left behind: everything lives in one scratch folder.
const source = fileURLToPath(new URL('../../', import.meta.url))
const results = join(source, 'test-results', 'e2e')
const connected = /sallyport: .*[✔✓] Connected/

const checks = [
  'installs Claude Code from npm',
  'starts with npx pnpm dev:https in a fresh copy',
  'is connected when Claude Code has the printed CA variable',
  'is refused by Claude Code without it',
  'stops at Ctrl-C and frees its port',
] as const

const verdicts = new Map<(typeof checks)[number], boolean>()

function check(name: (typeof checks)[number], passed: boolean, details = ''): void {
  verdicts.set(name, passed)
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name}`)
  if (!passed && details) console.log(details.trim().replace(/^/gm, '     '))
}

async function testConnection(claude: ClaudeCode, { ready }: DevHttps): Promise<void> {
  const profile = ready.profiles.find(({ name }) => name === 'default') ?? ready.profiles[0]
  if (!profile || !ready.caFile) throw new Error(`not usable: ${JSON.stringify(ready)}`)
  const added = await claude.addServer('sallyport', profile.url)
  const trusting = await claude.listServers({ NODE_EXTRA_CA_CERTS: ready.caFile })
  check(checks[2], connected.test(trusting), added.output + trusting)
  const distrusting = await claude.listServers()
  const refused = /sallyport: /.test(distrusting) && !connected.test(distrusting)
  check(checks[3], refused, distrusting)
}

async function testAll(scratch: string): Promise<'done' | 'skipped'> {
  const installation = await installClaudeCode(join(scratch, 'claude'))
  if (!installation.ok && !installation.exists) {
    console.log(`skipped: npm knows no Claude Code here\n${installation.reason}`)
    return 'skipped'
  }
  check(checks[0], installation.ok, installation.ok ? '' : installation.reason)
  if (!installation.ok) return 'done'
  console.log(`     ${installation.claude.version}`)
  const [httpPort, httpsPort] = await Promise.all([freePort(), freePort()])
  const environment = { PORT: String(httpPort), HTTPS_PORT: String(httpsPort) }
  const logFile = join(results, 'dev-https.log')
  const started = performance.now()
  const dev = await startDevHttps({ source, scratch, logFile, environment })
  check(checks[1], true)
  console.log(
    `     ready ${Math.round(performance.now() - started)} ms after the command was typed`,
  )
  try {
    await testConnection(installation.claude, dev)
  } finally {
    check(checks[4], await dev.stop())
  }
  return 'done'
}

console.log('e2e claude-code needs npm')
await mkdir(results, { recursive: true })
const scratch = await mkdtemp(join(tmpdir(), 'sallyport-e2e-'))
let outcome: 'done' | 'skipped' = 'done'
try {
  outcome = await testAll(scratch)
} catch (error) {
  console.log(`stopped early: ${messageOf(error)}`)
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
const passed = [...verdicts.values()].filter(Boolean).length
const total = outcome === 'skipped' ? 0 : checks.length
if (outcome === 'skipped') console.log('e2e claude-code was skipped')
console.log(`e2e claude-code: ${passed}/${total}`)
process.exit(passed === total ? 0 : 1)
