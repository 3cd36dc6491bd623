import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectClient } from '../fixtures/any-client.ts'
import { freePort, startTestGateway } from '../fixtures/gateway.ts'
import { createBrowser } from '../oauth/browser.ts'
import { defaultAuth } from '../oauth/default-auth.ts'
import { createChecklist } from './checklist.ts'
import { installPython } from './examples/python-environments.ts'

// The login to a FastMCP server with its own OAuth provider, installed with pip, for clients of both
// eras. Prints one line per check and, last, `e2e upstream-login-python: PASSED/TOTAL`, which
// `.ci/run` counts. Where Python packages cannot be installed it says so, and nothing is counted.
const folder = fileURLToPath(new URL('./fastmcp/', import.meta.url))
const list = createChecklist('upstream-login-python', {
  needs: 'Python and PyPI',
  print: (line) => console.log(line),
})

async function testLogin(python: string): Promise<void> {
  const port = await freePort()
  const child = spawn(python, [join(folder, 'oauth_server.py'), String(port)], { stdio: 'inherit' })
  const gone = once(child, 'exit')
  const gateway = await startTestGateway({
    servers: { notes: { url: `http://localhost:${port}/mcp`, auth: defaultAuth } },
  })
  try {
    const server = () => gateway.gateway.status().profiles[0]?.servers[0]
    const waits = await until(() => server()?.state === 'login-needed')
    list.check(
      'is announced as waiting for a login',
      waits,
      `${server()?.state} ${server()?.error}`,
    )
    const waiting = gateway.events.find((event) => event.event === 'upstream' && event.loginUrl)
    const link = waiting?.event === 'upstream' ? (waiting.loginUrl ?? '') : ''
    const page = await createBrowser().open(link, () => false)
    list.check('is connected by its link', page.text.includes('is connected'), page.text)
    const isUp = await until(() => server()?.state === 'up' && server()?.tools === 1)
    list.check('serves its tools then', isUp, `${server()?.state} ${server()?.error}`)
    for (const kind of ['v1 streamable HTTP', 'v2 modern'] as const) {
      const client = await connectClient(kind, gateway.url())
      const answer = JSON.stringify(await client.call('greet', { name: 'you' }))
      list.check(`answers a ${kind} client`, answer.includes('Hello, you!'), answer)
      await client.close()
    }
  } finally {
    await gateway.close()
    child.kill('SIGKILL')
    await gone
  }
}

/** Python takes a while to start, and the gateway tries again until it has. */
async function until(isTrue: () => boolean): Promise<boolean> {
  const deadline = Date.now() + 60_000
  while (!isTrue() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
  return isTrue()
}

const scratch = await mkdtemp(join(tmpdir(), 'sallyport-login-'))
try {
  const installed = await installPython(scratch, { folder, groups: [['fastmcp']] })
  if (installed.ok) await testLogin(installed.pythons[0] ?? '')
  else if (installed.possible) list.check('is installed with pip', false, installed.reason)
  else list.skip('the login to FastMCP: packages cannot be installed here', installed.reason)
} catch (error) {
  list.check('runs to its end', false, error instanceof Error ? (error.stack ?? '') : String(error))
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(list.finish() ? 0 : 1)
