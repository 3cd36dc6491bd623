import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { countUp } from './shared-store.ts'

/** What a kind of store brings to its tests. */
export interface StoreHarness {
  /** Opens it once more on the same documents, with a clock of the test. */
  open(now: () => number): Promise<Store>
  /** Where another process finds the same documents (`writer.main.ts`); undefined where none can. */
  readonly place: string | undefined
  close(): Promise<void>
}

const start = 1_000

/** What every store does, wherever its documents are. */
export function testStore(name: string, createHarness: () => Promise<StoreHarness>): void {
  describe(`a store ${name}`, () => {
    const clock = { ms: start }
    const now = () => clock.ms
    let harness: StoreHarness
    let store: Store
    beforeEach(async () => {
      clock.ms = start
      harness = await createHarness()
      store = await harness.open(now)
    })
    afterEach(async () => {
      await store.close()
      await harness.close()
    })

    it('gives back what was set last, by collection and key', async () => {
      await store.set('a', 'x', { n: 1 })
      await store.set('a', 'x', { n: 2 })
      await store.set('b', 'x', 'other')
      expect(await store.get('a', 'x')).toEqual({ n: 2 })
      expect(await store.get('a', 'y')).toBeUndefined()
      await store.delete('a', 'x')
      expect(await store.get('a', 'x')).toBeUndefined()
      expect(await store.get('b', 'x')).toBe('other')
    })

    it.each<[string, unknown]>([
      ['a megabyte', 'x'.repeat(1_024 * 1_024)],
      ['every character', `'"\\ \u0001 é 漢 😀 %_`],
      ['nothing much', [null, false, 0, '', {}, []]],
    ])('keeps %s as it is', async (_, value) => {
      await store.set('a', `key of 'it' 😀`, value)
      expect(await store.get('a', `key of 'it' 😀`)).toEqual(value)
      expect(await store.list('a')).toEqual([{ key: `key of 'it' 😀`, value }])
    })

    it('lists a collection in the order of its keys', async () => {
      for (const key of ['c', 'B', 'a', 'b-1', 'b']) await store.set('list', key, { key })
      await store.set('list too', 'd', {})
      const keys = ['B', 'a', 'b', 'b-1', 'c']
      expect(await store.list('list')).toEqual(keys.map((key) => ({ key, value: { key } })))
      expect(await store.list('nothing')).toEqual([])
    })

    it('lists page by page, whatever is written meanwhile', async () => {
      for (const key of ['a', 'b', 'c', 'd']) await store.set('list', key, 1)
      const keysOf = async (page: Parameters<Store['list']>[1]) =>
        (await store.list('list', page)).map(({ key }) => key)
      expect(await keysOf({ limit: 2 })).toEqual(['a', 'b'])
      await store.delete('list', 'b')
      await store.set('list', 'c2', 1)
      expect(await keysOf({ limit: 2, after: 'b' })).toEqual(['c', 'c2'])
      expect(await keysOf({ after: 'c2' })).toEqual(['d'])
      expect(await keysOf({ limit: 0 })).toEqual([])
      expect(await keysOf({ limit: 2, after: 'd' })).toEqual([])
    })

    it('forgets a document at the moment it ends, unless it is set anew', async () => {
      await store.set('a', 'short', 1, { expiresAt: 2_000 })
      await store.set('a', 'renewed', 1, { expiresAt: 2_000 })
      await store.set('a', 'renewed', 2)
      clock.ms = 1_999
      expect(await store.get('a', 'short')).toBe(1)
      clock.ms = 2_000
      expect(await store.get('a', 'short')).toBeUndefined()
      expect(await store.list('a')).toEqual([{ key: 'renewed', value: 2 }])
    })

    it('trims what ends first, and nothing that stays or stands elsewhere', async () => {
      for (const [key, expiresAt] of [
        ['late', 9_000],
        ['first', 5_000],
        ['next', 6_000],
      ] as const) {
        await store.set('a', key, key, { expiresAt })
      }
      await store.set('a', 'stays', 'stays')
      await store.set('b', 'other', 'other', { expiresAt: 5_000 })
      await store.trim('a', 2)
      expect((await store.list('a')).map((one) => one.key)).toEqual(['late', 'next', 'stays'])
      await store.trim('a', 5)
      expect(await store.list('a')).toHaveLength(3)
      expect(await store.list('b')).toHaveLength(1)
    })

    it('writes all of a transaction, which sees what it wrote', async () => {
      await store.set('a', 'old', 1)
      const seen = await store.transaction(async (documents) => {
        await documents.set('a', 'x', 1)
        await documents.set('b', 'ends', 1, { expiresAt: 2_000 })
        await documents.delete('a', 'old')
        expect(await store.get('a', 'x')).toBeUndefined()
        return [await documents.get('a', 'x'), await documents.get('a', 'old')]
      })
      expect(seen).toEqual([1, undefined])
      expect(await store.list('a')).toEqual([{ key: 'x', value: 1 }])
      expect(await store.get('b', 'ends')).toBe(1)
      clock.ms = 2_000
      expect(await store.get('b', 'ends')).toBeUndefined()
    })

    it('writes nothing of a transaction that fails', async () => {
      await store.set('a', 'x', 1)
      const failing = store.transaction(async (documents) => {
        await documents.set('a', 'x', 2)
        await documents.delete('a', 'x')
        throw new Error('changed its mind')
      })
      await expect(failing).rejects.toThrow('changed its mind')
      expect(await store.get('a', 'x')).toBe(1)
    })

    it('writes what others write beside a transaction, whether it succeeds or not', async () => {
      await store.transaction(async (documents) => {
        await documents.set('a', 'x', 1)
        await store.set('a', 'y', 1)
      })
      const failing = store.transaction(async () => {
        await store.set('a', 'z', 1)
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect((await store.list('a')).map(({ key }) => key)).toEqual(['x', 'y', 'z'])
    })

    it.each(['set', 'deleted', 'set where nothing was'])(
      'runs a transaction again when what it read was %s meanwhile',
      async (how) => {
        const other = await harness.open(now)
        if (how !== 'set where nothing was') await store.set('a', 'x', 1)
        let runs = 0
        await store.transaction(async (documents) => {
          const value = await documents.get('a', 'x')
          runs += 1
          if (runs === 1)
            await (how === 'deleted' ? other.delete('a', 'x') : other.set('a', 'x', 5))
          await documents.set('a', 'y', { saw: value ?? 'nothing' })
        })
        expect(runs).toBe(2)
        expect(await store.get('a', 'y')).toEqual({ saw: how === 'deleted' ? 'nothing' : 5 })
        await other.close()
      },
    )

    it('compares and sets: of many at once each document is taken by one', async () => {
      const other = await harness.open(now)
      await store.set('a', 'code', { used: false })
      const take = (by: Store) =>
        by.transaction(async (documents) => {
          const { used } = (await documents.get('a', 'code')) as { used: boolean }
          await documents.set('a', 'code', { used: true })
          return !used
        })
      const outcomes = await Promise.all([store, other, store, other, store].map(take))
      expect(outcomes.filter((isFirst) => isFirst)).toHaveLength(1)
      await other.close()
    })

    it('keeps what it has when it is closed, also twice', async () => {
      await store.set('a', 'x', 1)
      await store.close()
      await store.close()
      store = await harness.open(now)
      expect(await store.get('a', 'x')).toBe(1)
    })

    it('loses nothing of what two processes write at once', async (context) => {
      const { place } = harness
      if (place === undefined) return context.skip()
      const each = 100
      const writers = ['one', 'two'].map((writer) => startWriter(place, writer, each))
      const codes = Promise.all(writers.map(exitCodeOf))
      let isOver = false
      void codes.finally(() => {
        isOver = true
      })
      let own = 0
      for (; !isOver; own += 1) {
        await countUp(store, `here ${own}`)
        await turn()
      }
      expect(await codes).toEqual([0, 0])
      expect(await store.get('counts', 'all')).toBe(2 * each + own)
      expect(await store.list('entries')).toHaveLength(2 * each + own)
    })
  })
}

function startWriter(place: string, writer: string, times: number): ChildProcess {
  const program = fileURLToPath(new URL('writer.main.ts', import.meta.url))
  return spawn(process.execPath, [program, place, writer, String(times)], { stdio: 'inherit' })
}

async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}
