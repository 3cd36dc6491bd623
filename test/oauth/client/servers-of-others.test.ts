import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectClient } from '../../fixtures/any-client.ts'
import { closeAfterEach } from '../../fixtures/cleanup.ts'
import {
  freePort,
  type ProfileSketch,
  startTestGateway,
  stdioFixture,
  type TestGateway,
} from '../../fixtures/gateway.ts'
import { continueUrl, createBrowser } from '../browser.ts'
import { defaultAuth } from '../default-auth.ts'

// Logins to servers that are not our fixtures: what they answer is theirs to decide.

const closing = closeAfterEach()
const clients = ['v1 streamable HTTP', 'v2 modern'] as const

describe('a login to the example server of the MCP SDK', () => {
  it.each([
    ['any token of its issuer', ['--oauth']],
    ['only tokens for itself', ['--oauth', '--oauth-strict']],
  ])('which takes %s leads to its tools, for clients of both eras', async (_takes, flags) => {
    const { url } = closing(await startSdkExample(flags))
    const gateway = await startBefore(url)
    expect((await createBrowser().open(linkOf(gateway), () => false)).text).toContain(
      'is connected',
    )
    await expectTool(gateway, 'greet', { name: 'you' }, 'Hello, you!')
  })
})

describe('a login to a profile of another Sallyport', () => {
  it('leads to its tools, for clients of both eras, once its owner has allowed it', async () => {
    const other = closing(
      await startTestGateway({
        servers: { one: stdioFixture('legacy-stdio.ts') },
        profiles: { default: { auth: 'oauth' } satisfies ProfileSketch },
      }),
    )
    const gateway = await startBefore(other.url())
    const browser = createBrowser()
    const page = await browser.open(linkOf(gateway), () => false)
    const approval = other.events.find((event) => event.event === 'approval')
    if (approval?.event !== 'approval') throw new Error(`nothing to approve: ${page.text}`)
    const allowed = await browser.submit(page.url, { decision: 'allow', code: approval.code })
    expect((await browser.open(continueUrl(allowed), () => false)).text).toContain('is connected')
    await expectTool(gateway, 'echo', { text: 'hi' }, 'hi')
  })
})

/** A gateway with that server alone, which waits for a login. */
async function startBefore(url: string): Promise<TestGateway> {
  const gateway = closing(
    await startTestGateway({ servers: { notes: { url, auth: defaultAuth } } }),
  )
  await expect.poll(() => stateOf(gateway)).toBe('login-needed')
  return gateway
}

function stateOf({ gateway }: TestGateway): string | undefined {
  return gateway.status().profiles[0]?.servers[0]?.state
}

function linkOf({ events }: TestGateway): string {
  const waiting = events.find((event) => event.event === 'upstream' && event.loginUrl)
  if (waiting?.event !== 'upstream' || !waiting.loginUrl) throw new Error('no link was announced')
  return waiting.loginUrl
}

async function expectTool(
  gateway: TestGateway,
  tool: string,
  args: Record<string, unknown>,
  text: string,
): Promise<void> {
  await expect.poll(() => stateOf(gateway)).toBe('up')
  for (const kind of clients) {
    const client = closing(await connectClient(kind, gateway.url()))
    await expect
      .poll(async () => (await client.list('tools')).map(({ name }) => name))
      .toContain(tool)
    expect(await client.call(tool, args), kind).toMatchObject({ content: [{ text }] })
  }
}

async function startSdkExample(flags: readonly string[]) {
  const sdk = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/sdk/server'))
  const program = join(sdk, '../../esm/examples/server/simpleStreamableHttp.js')
  const [port, authPort] = await Promise.all([freePort(), freePort()])
  const child = spawn(process.execPath, [program, ...flags], {
    env: { ...process.env, MCP_PORT: String(port), MCP_AUTH_PORT: String(authPort) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilItSays(child, ['Authorization Server listening', 'HTTP Server listening'])
  return {
    url: `http://localhost:${port}/mcp`,
    async close() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function untilItSays(child: ChildProcess, phrases: readonly string[]): Promise<void> {
  let said = ''
  const heard = Promise.withResolvers<void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (phrases.every((phrase) => said.includes(phrase))) heard.resolve()
  })
  child.once('exit', () => heard.reject(new Error(`the example ended: ${said}`)))
  await heard.promise
}
