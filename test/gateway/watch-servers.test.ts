import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GatewayEvent, ReloadEvent } from '../../src/gateway-events.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../fixtures/gateway.ts'
import { isTold, openSession, textOf, type WireMessage } from '../fixtures/wire-client.ts'

let folder: string
let gateway: TestGateway

/** The next file that the program reads when it starts. */
const saveTools = (...names: string[]) => {
  const tools = ['pid', ...names].map((name) => ({ name, inputSchema: { type: 'object' } }))
  const initialize = { capabilities: { tools: { listChanged: true } } }
  return writeFile(
    join(folder, 'tools.json'),
    JSON.stringify({ initialize, 'tools/list': { tools } }),
  )
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-watch-'))
  await saveTools('one')
  await mkdir(join(folder, 'node_modules'))
  await writeFile(join(folder, '.gitignore'), '*.log\n')
  const watch = { folder, globs: ['**/*'] }
  gateway = await startTestGateway({
    servers: {
      tools: { ...stdioFixture('scripted-stdio.ts', [join(folder, 'tools.json')]), watch },
      slow: { ...stdioFixture('legacy-stdio.ts'), watch: { folder, globs: ['slow/*.txt'] } },
    },
    profiles: { tools: { servers: ['tools'] }, slow: { servers: ['slow'] } },
  })
})
afterAll(async () => {
  await gateway.close()
  await rm(folder, { recursive: true, force: true })
})

const namesIn = ({ result = {} }: WireMessage) =>
  (result.tools as { name: string }[]).map(({ name }) => name)
const reloads = (server: string): ReloadEvent[] =>
  gateway.events.filter(
    (event: GatewayEvent): event is ReloadEvent =>
      event.event === 'reload' && event.server === server,
  )
/** The next restart that a change makes. */
async function reloadBy(server: string, change: () => Promise<unknown>) {
  const before = reloads(server).length
  await change()
  await expect.poll(() => reloads(server).length).toBeGreaterThan(before)
  return reloads(server).at(-1)
}

describe('a server under `watch`', () => {
  it('is restarted when its files change, while its clients stay and hear of it', async () => {
    const ada = await openSession(gateway.url('tools'))
    const stream = await ada.listen()
    const first = textOf(await ada.call('pid'))
    const event = await reloadBy('tools', () => saveTools('one', 'two'))
    expect(event).toMatchObject({ files: ['tools.json'], added: ['two'], changed: [], removed: [] })
    await stream.next(isTold('notifications/tools/list_changed'))
    expect(namesIn(await ada.request('tools/list'))).toContain('two')
    expect(textOf(await ada.call('pid'))).not.toBe(first)
    await ada.end()
  })

  it('keeps its last good lists when it does not start, says why, and starts at the next save', async () => {
    const ada = await openSession(gateway.url('tools'))
    const broken = await reloadBy('tools', () => writeFile(join(folder, 'tools.json'), '{ kaboom'))
    expect(broken?.error).toContain('SyntaxError')
    expect(namesIn(await ada.request('tools/list'))).toContain('one')
    expect((await ada.call('pid')).error?.message).toContain('SyntaxError')
    const mended = await reloadBy('tools', () => saveTools('one'))
    expect(mended).not.toHaveProperty('error')
    expect(textOf(await ada.call('pid'))).toMatch(/^\d+$/)
    await ada.end()
  })

  it('is left alone for what it writes itself, and for what nobody keeps', async () => {
    const event = await reloadBy('tools', async () => {
      await writeFile(join(folder, 'node_modules/other.json'), '1')
      await writeFile(join(folder, 'server.log'), '1')
      await saveTools('three')
    })
    expect(event).toMatchObject({ files: ['tools.json'] })
  })

  it('ends the calls it has, and answers those that come meanwhile by its new self', async () => {
    const ada = await openSession(gateway.url('slow'))
    const old = textOf(await ada.call('pid'))
    const params = { name: 'slow', arguments: { steps: 6, intervalMs: 150 } }
    const slow = await ada.begin('tools/call', { ...params, _meta: { progressToken: 1 } })
    await slow.next(isTold('notifications/progress'))
    await mkdir(join(folder, 'slow'), { recursive: true })
    await writeFile(join(folder, 'slow/a.txt'), '1')
    const finished = await slow.next(({ id }) => id === slow.id)
    expect(finished.error).toBeUndefined()
    await expect.poll(async () => textOf(await ada.call('pid'))).not.toBe(old)
    expect(reloads('slow')).toMatchObject([{ files: ['slow/a.txt'] }])
    await ada.end()
  })

  it('is watched as the edited configuration says', async () => {
    const { gateway: running, config } = gateway
    const { tools } = config.servers
    if (tools?.type !== 'stdio') throw new Error('it is a program')
    const servers = { ...config.servers, tools: { ...tools, watch: undefined } }
    await running.applyFile({ ...config, servers })
    const before = reloads('tools').length
    await saveTools('four')
    await reloadBy('slow', () => writeFile(join(folder, 'slow/b.txt'), '1'))
    expect(reloads('tools')).toHaveLength(before)
  })
})
