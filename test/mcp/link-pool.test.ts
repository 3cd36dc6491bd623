import { expect, it } from 'vitest'
import type { ServerConfig } from '../../src/config/resolved-config.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { createLinkPool, type LinkPoolOptions } from '../../src/mcp/upstreams/link-pool.ts'

type Connect = LinkPoolOptions['connect']

function poolOver(connect: Connect) {
  return createLinkPool({
    config: { name: 'one', type: 'stdio', isolation: 'shared' } as ServerConfig,
    memory: { verdict: async () => undefined, saveVerdict: async () => {} } as never,
    connect,
    logger: silentLogger,
    onChange: () => {},
    onOpened: async () => {},
    onLost: () => {},
  })
}

it('asks a server that exits on the question for its era as a legacy one', async () => {
  const asked: string[] = []
  const pool = poolOver(async ({ era }) => {
    asked.push(era)
    if (era === 'auto') throw new Error('it exited')
    return { era, closed: new Promise(() => {}) } as never
  })
  expect(await pool.acquire('modern', undefined)).toMatchObject({ era: 'legacy' })
  expect(asked).toEqual(['auto', 'legacy'])
})

it('starts nothing once more that is closed while it starts', async () => {
  const asked: string[] = []
  const pool = poolOver(({ era, signal }) => {
    asked.push(era)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  })
  const opening = pool.acquire('modern', undefined)
  await expect.poll(() => asked).toEqual(['auto'])
  await Promise.all([expect(opening).rejects.toThrow('is being closed'), pool.closeAll()])
  expect(asked).toEqual(['auto'])
})
