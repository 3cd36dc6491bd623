import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WrittenFile } from '../../src/clients/client-files.ts'
import { messageOf } from '../../src/errors.ts'
import { createApiKeys } from '../../src/oauth/resource-server/api-keys.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { createChecklist } from './checklist.ts'
import { installClaudeCode } from './claude-code.ts'
import type { ConfiguredClient, InstalledProgram } from './configured-client.ts'
import {
  configuredClaudeCode,
  configuredCodex,
  configuredDesktop,
  configuredGeminiCli,
  configuredInspector,
} from './configured-clients.ts'
import { installNpmProgram } from './npm-program.ts'
import { runCommand } from './run-command.ts'

// `sallyport client NAME --write` into the home of the real client, which then loads that file and
// connects over local HTTPS, with the variable that the command names and not without it. Prints
// one line per check and, last, `e2e client-configs: PASSED/TOTAL`, which `.ci/run` counts.
const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const list = createChecklist('client-configs', {
  needs: 'npm',
  print: (line) => console.log(line),
})
// Our Node first: the Inspector wants a newer one than the machine may have.
const path = [dirname(process.execPath), process.env.PATH].join(delimiter)

/** The clients that are to be had here. */
async function installClients(scratch: string): Promise<ConfiguredClient[]> {
  const fromNpm = async (
    spec: string,
    name: string,
    create: (program: InstalledProgram) => ConfiguredClient,
  ) => {
    const folder = join(scratch, name)
    const options = { program: name, folder, environment: { PATH: path } }
    const installed = await installNpmProgram(spec, options)
    if (installed.ok) return [create({ bin: installed.bin, home: join(folder, 'home'), path })]
    list.skip(name, installed.reason)
    return []
  }
  const claudeCode = async () => {
    const folder = join(scratch, 'claude')
    const installation = await installClaudeCode(folder)
    if (installation.ok) return [configuredClaudeCode(installation.claude, join(folder, 'home'))]
    list.skip('Claude Code', installation.reason)
    return []
  }
  const installed = await Promise.all([
    fromNpm('@openai/codex@0.169.0', 'codex', configuredCodex),
    fromNpm('@google/gemini-cli@0.61.0', 'gemini', configuredGeminiCli),
    fromNpm('mcp-remote@0.15.1', 'mcp-remote', configuredDesktop),
    fromNpm('@modelcontextprotocol/inspector@2.12.0', 'mcp-inspector', configuredInspector),
    claudeCode(),
  ])
  return installed.flat()
}

interface CommandAnswer {
  readonly written?: WrittenFile
  readonly undone?: readonly { outcome: string }[]
  readonly trust?: { readonly name: string; readonly value: string }
}

/** Runs our command as the client's user would, in the gateway's folder. */
async function runClientCommand(
  { id, home }: ConfiguredClient,
  { gateway, args }: { gateway: TestGateway; args: readonly string[] },
): Promise<CommandAnswer> {
  const { config } = gateway
  const { exitCode, output } = await runCommand(
    process.execPath,
    [program, 'client', id, '--json', ...args],
    {
      cwd: config.projectDir,
      env: {
        PATH: path,
        HOME: home,
        SALLYPORT_HOME: config.home,
        SALLYPORT_CONFIG: config.configFile,
        SALLYPORT_CA_ROOT: config.tls.caRoot,
      },
    },
  )
  if (exitCode !== 0) throw new Error(output)
  return JSON.parse(output) as CommandAnswer
}

async function testClient(client: ConfiguredClient, gateway: TestGateway): Promise<void> {
  const started = performance.now()
  const check = (what: string, passed: boolean, details: unknown) =>
    list.check(`${client.name}: ${what}`, passed, String(details))
  await mkdir(client.home, { recursive: true })
  const answer = await runClientCommand(client, {
    gateway,
    args: ['--write', '--url', new URL(gateway.url()).origin],
  })
  check(
    'is written into its own file',
    answer.written?.outcome === 'created',
    JSON.stringify(answer),
  )
  const { trust } = answer
  if (!answer.written || !trust) return
  const [trusting, distrusting] = [
    await client.connect({ [trust.name]: trust.value }),
    await client.connect({}),
  ]
  check(`loads it and connects with ${trust.name}`, trusting.connected, trusting.output)
  const isRefused = distrusting.known && !distrusting.connected
  check('does not connect without it', isRefused, distrusting.output)
  await testKey(client, { gateway, trust })
  // The client may have written to the file meanwhile: whatever it wrote stays.
  const { undone } = await runClientCommand(client, { gateway, args: ['--undo'] })
  const left = await readFile(answer.written.path, 'utf8').catch(() => '')
  const isOut = (undone?.length ?? 0) > 0 && !left.includes(new URL(gateway.url()).host)
  check('is taken out of its file again', isOut, JSON.stringify({ undone, left }))
  console.log(`     ${Math.round(performance.now() - started)} ms`)
}

/** A key goes by way of a variable, in the client's own syntax for one. */
async function testKey(
  client: ConfiguredClient,
  { gateway, trust }: { gateway: TestGateway; trust: NonNullable<CommandAnswer['trust']> },
): Promise<void> {
  // The Inspector asks for a key on its page, so its file names none.
  if (client.id === 'inspector') return
  const variable = 'SALLYPORT_TEST_KEY'
  const args = ['--write', '--profile', 'keyed', '--key', variable]
  const origin = new URL(gateway.url()).origin
  const { written } = await runClientCommand(client, { gateway, args: [...args, '--url', origin] })
  // The profile lets nobody in without one.
  const environment = { [trust.name]: trust.value, [variable]: await createKey(gateway) }
  const report = await client.connect(environment, written?.name)
  list.check(`${client.name}: sends the key of a variable`, report.connected, report.output)
}

async function createKey({ config }: TestGateway): Promise<string> {
  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  try {
    const { key } = await createApiKeys({ store, now: Date.now }).create({ profile: 'keyed' })
    return key
  } finally {
    store.close()
  }
}

async function testAll(scratch: string): Promise<void> {
  const clients = await installClients(scratch)
  const gateway = await startTestGateway({
    https: true,
    servers: { fixture: stdioFixture('legacy-stdio.ts') },
    profiles: { default: {}, keyed: { auth: 'key' } },
  })
  // What the command reads; the gateway was told already.
  const file = { profiles: { keyed: { auth: 'key' } } }
  await writeFile(gateway.config.configFile, JSON.stringify(file))
  try {
    for (const client of clients) {
      await testClient(client, gateway).catch((error: unknown) =>
        list.check(`${client.name} runs to its end`, false, messageOf(error)),
      )
    }
  } finally {
    await gateway.close()
  }
}

const scratch = await mkdtemp(join(tmpdir(), 'sallyport-configs-e2e-'))
try {
  await testAll(scratch)
} catch (error) {
  list.check('runs to its end', false, messageOf(error))
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(list.finish() ? 0 : 1)
