import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { clientKinds, connectClient } from '../fixtures/any-client.ts'
import { closeAfterEach, oneForAll } from '../fixtures/cleanup.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { startTestGateway } from '../fixtures/gateway.ts'

const closing = closeAfterEach()
const program = fileURLToPath(new URL('../../src/welcome/main.ts', import.meta.url))
const welcome = {
  command: process.execPath,
  args: [program],
  env: compileCache,
  forwardCaller: true,
}
const start = oneForAll(() => startTestGateway({ servers: { welcome } }))

describe.each(clientKinds)('the bundled server, for a %s client', (kind) => {
  it('echoes, counts down with progress and tells what the gateway knows of the caller', async () => {
    const gateway = await start()
    const client = closing(await connectClient(kind, gateway.url()))
    expect(await client.call('echo', { text: 'hello' })).toMatchObject({
      content: [{ text: 'hello' }],
    })
    const steps: number[] = []
    const onprogress = ({ progress }: { progress: number }) => steps.push(progress)
    await client.call('countdown', { from: 2, stepMs: 30 }, { onprogress })
    expect(steps.slice(0, 2)).toEqual([0, 1])
    expect(await client.callJson('whoami')).toMatchObject({
      profile: 'default',
      origin: new URL(gateway.url()).origin,
      client: { name: kind.startsWith('v1') ? 'legacy-client' : 'modern-client' },
    })
    expect(await client.list('resources')).toHaveLength(1)
    expect(await client.list('prompts')).toHaveLength(1)
  })
})

it('does not claim that no gateway stands between, where it only was not told who calls', async () => {
  const quiet = { ...welcome, forwardCaller: false }
  const gateway = closing(await startTestGateway({ servers: { welcome: quiet } }))
  const client = closing(await connectClient('v2 modern', gateway.url()))
  const { note } = await client.callJson('whoami')
  expect(note).toContain('"forwardCaller": true')
})
