import { expect, it } from 'vitest'
import type { ServerConfig } from '../../src/config/resolved-config.ts'
import { createLinks } from '../../src/mcp/upstreams/links.ts'

function linksOver(connect: Parameters<typeof createLinks>[0]['connect']) {
  return createLinks({
    config: { name: 'one', type: 'stdio', isolation: 'shared' } as ServerConfig,
    memory: { era: async () => undefined, saveEra: async () => {} } as never,
    clientInfo: { name: 'test' },
    connect,
    audience: () => [],
    unasked: () => 'all',
    isTaskOf: () => true,
    onChange: () => {},
    onOpened: async () => {},
    onLost: () => {},
  })
}

it('asks a server that exits on the question for its era as a legacy one', async () => {
  const asked: string[] = []
  const links = linksOver(async ({ era }) => {
    asked.push(era)
    if (era === 'auto') throw new Error('it exited')
    return { era, closed: new Promise(() => {}) } as never
  })
  expect(await links.acquire(undefined)).toMatchObject({ era: 'legacy' })
  expect(asked).toEqual(['auto', 'legacy'])
})

it('starts nothing once more that is closed while it starts', async () => {
  const asked: string[] = []
  const links = linksOver(({ era, signal }) => {
    asked.push(era)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  })
  const opening = links.acquire(undefined)
  await expect.poll(() => asked).toEqual(['auto'])
  await Promise.all([expect(opening).rejects.toThrow('is being closed'), links.closeAll()])
  expect(asked).toEqual(['auto'])
})
