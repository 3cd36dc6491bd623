import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { messageOf } from '../../../src/errors.ts'
import { createApiKeys } from '../../../src/oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import type { Checklist } from '../checklist.ts'
import { createFakeBrowser } from '../fake-browser.ts'
import { startModelStub } from '../model-stub.ts'
import type { CommandResult } from '../run-command.ts'
import { approve } from './approve.ts'
import { type Bench, type ExampleSet, endOf, environmentFor } from './bench.ts'
import { testFaults } from './fault-checks.ts'
import { startTokenRows } from './token-rows.ts'

const tools = ['echo', 'whoami', 'countdown']

/** Runs every check of a language's examples. */
export async function testExamples(
  bench: Omit<Bench, 'browser'>,
  welcome: { command: string; args: string[] },
): Promise<void> {
  const browser = await createFakeBrowser(join(bench.scratch, 'browser'))
  await testTokenRows(bench)
  const gateway = await startTestGateway({
    servers: { welcome: { ...welcome, forwardCaller: true } },
    profiles: { default: { auth: 'oauth' } },
    https: true,
  })
  try {
    await testGateway({ ...bench, browser }, gateway)
  } finally {
    await gateway.close()
  }
  await testFaults({ ...bench, browser })
}

async function testTokenRows({ list, examples }: Omit<Bench, 'browser'>): Promise<void> {
  const { rows, close } = await startTokenRows()
  try {
    const verdicts = await examples.verify(rows)
    for (const [index, { name, good }] of rows.entries()) {
      const what = `${good ? 'takes' : 'refuses'} an access token: ${name}`
      list.check(what, verdicts[index] === good, `the verdict was ${verdicts[index]}`)
    }
  } finally {
    close()
  }
}

/** The gateway, and the variables of a program that may use it. */
interface Place {
  readonly gateway: TestGateway
  readonly home: string
  /** Everything but trust and model. */
  readonly basics: Record<string, string>
  readonly trust: Record<string, string>
}

async function testGateway(bench: Bench, gateway: TestGateway): Promise<void> {
  const { examples, scratch } = bench
  const caFile = gateway.gateway.status().caFile ?? ''
  const bundleFile = join(gateway.config.home, 'certs', 'bundle.pem')
  setDefaultCACertificates([...getCACertificates('default'), await readFile(caFile, 'utf8')])
  const home = join(scratch, 'logins')
  const basics = environmentFor(bench, { url: gateway.url(), home })
  const place = { gateway, home, basics, trust: examples.trust({ caFile, bundleFile }) }
  const [first = '', ...others] = examples.names
  await testFirst(bench, { place, name: first })
  for (const name of others) await testWithModel(bench, { place, name })
  for (const name of examples.hosted) await testHosted(bench, { place, name })
  await testApiKey(bench, { place, name: first })
}

interface Tested {
  readonly place: Place
  readonly name: string
}

/** The example without a model, which is the first to need a login. */
async function testFirst({ list, examples, browser }: Bench, tested: Tested): Promise<void> {
  const { place, name } = tested
  const { basics, trust, home } = place
  const running = examples.run(name, { environment: { ...basics, ...trust } })
  try {
    const url = await browser.next(0, endOf(running).signal)
    await approve(url, place.gateway.events)
  } catch (error) {
    list.check('the owner allows it', false, messageOf(error))
  }
  const { exitCode, output } = await running
  const check = (what: string, passed: boolean) => list.check(`${name}: ${what}`, passed, output)
  check('calls whoami and prints its answer', exitCode === 0 && sawCaller(output))
  check('asks the owner once', (await browser.opened()).length === 1)
  check('keeps the login where nobody else can read it', await isPrivate(home))
  checkRefusal(list, { examples, name, result: await examples.run(name, { environment: basics }) })
}

async function testWithModel({ list, examples, browser }: Bench, tested: Tested): Promise<void> {
  const { place, name } = tested
  const before = (await browser.opened()).length
  const model = await startModelStub({ tool: 'whoami', input: {} })
  const environment = { ...place.basics, ...modelVariables(model.url) }
  const [{ exitCode, output }, result] = await Promise.all([
    examples.run(name, { environment: { ...environment, ...place.trust } }),
    examples.run(name, { environment: { ...environment, ...modelVariables() } }),
  ])
  await model.close()
  const check = (what: string, passed: boolean) => list.check(`${name}: ${what}`, passed, output)
  check('calls whoami and prints its answer', exitCode === 0 && sawCaller(output))
  check(
    'gives the model the tools of the gateway, and the answer of the one it wanted',
    tools.every((tool) => model.offered().includes(tool)) && sawCaller(model.toolAnswer()),
  )
  check('needs no second login', (await browser.opened()).length === before)
  checkRefusal(list, { examples, name, result })
}

function checkRefusal(
  list: Checklist,
  { examples, name, result }: { examples: ExampleSet; name: string; result: CommandResult },
): void {
  const { exitCode, output } = result
  const passed = exitCode === 1 && output.includes(examples.trustVariable)
  const what = 'refuses a certificate that nobody vouches for, and says what to set'
  list.check(`${name}: ${what}`, passed, output)
}

async function testHosted({ list, examples }: Bench, { place, name }: Tested): Promise<void> {
  const environment = { ...place.basics, ...place.trust, ...modelVariables() }
  const { exitCode, output } = await examples.run(name, { args: ['--hosted'], environment })
  const refused = exitCode === 1 && /cannot reach localhost/.test(output)
  list.check(`${name}: gives a hosted model no address of this machine`, refused, output)
}

/** `whoami` answers with the profile it was called in. */
function sawCaller(output: string): boolean {
  return /profile\W+default/.test(output)
}

async function testApiKey(
  { list, examples, browser, scratch }: Bench,
  { place, name }: Tested,
): Promise<void> {
  const { gateway, basics, trust } = place
  const store = openSqliteStore(join(gateway.config.home, 'state.sqlite'))
  const { key } = await createApiKeys({ store, now: Date.now }).create({ profile: 'default' })
  await store.close()
  const before = (await browser.opened()).length
  const run = (SALLYPORT_API_KEY: string) =>
    examples.run(name, {
      environment: {
        ...basics,
        ...trust,
        SALLYPORT_EXAMPLES_HOME: join(scratch, 'none'),
        SALLYPORT_API_KEY,
      },
    })
  const { exitCode, output } = await run(key)
  const opened = (await browser.opened()).length - before
  list.check(`${name}: needs no login with an API key`, exitCode === 0 && opened === 0, output)
  const wrong = await run(`${key.slice(0, -4)}AAAA`)
  const refused = wrong.exitCode === 1 && wrong.output.includes('SALLYPORT_API_KEY')
  list.check(`${name}: says so when the API key is not accepted`, refused, wrong.output)
}

/** A port where nothing listens, unless a model does. */
function modelVariables(url = 'http://127.0.0.1:9'): Record<string, string> {
  return {
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: 'none',
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'none',
  }
}

async function isPrivate(folder: string): Promise<boolean> {
  const files = await readdir(folder)
  const modes = await Promise.all(
    files.map(async (file) => (await stat(join(folder, file))).mode & 0o777),
  )
  return modes.length === 1 && modes[0] === 0o600
}
