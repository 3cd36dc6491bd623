import { expect, it } from 'vitest'
import {
  createHostResolver,
  lookupWith,
  type NameAnswer,
} from '../../../src/tunnels/resolve-host.ts'

const publicAddress = { address: '192.0.2.1', family: 4 } as const
const systemAddress = { address: '192.0.2.2', family: 4 } as const
const found: NameAnswer = { kind: 'found', addresses: [publicAddress] }
const absent: NameAnswer = { kind: 'absent' }
const silent: NameAnswer = { kind: 'silent' }

function resolverOver(...open: NameAnswer[]) {
  const asked = { open: 0, system: 0 }
  const time = { now: 0 }
  const resolveHost = createHostResolver({
    open: open.map((answer) => async () => {
      asked.open += 1
      return answer
    }),
    system: async () => {
      asked.system += 1
      return { kind: 'found', addresses: [systemAddress] }
    },
    now: () => time.now,
  })
  return { resolveHost, asked, time }
}

it.each([
  ['one public source finds it', [absent, found], [publicAddress], 0],
  ['no public source can be reached', [silent, silent], [systemAddress], 1],
])('when %s, the answer is right', async (_, open, addresses, systemAsked) => {
  const { resolveHost, asked } = resolverOver(...open)
  expect(await resolveHost('x.example')).toEqual(addresses)
  expect(asked.system).toBe(systemAsked)
})

it('never asks the system for a name that does not exist yet', async () => {
  const { resolveHost, asked, time } = resolverOver(absent, silent)
  for (time.now = 0; time.now < 20_000; time.now += 1_000) {
    await expect(resolveHost('x.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  }
  expect(asked.system).toBe(0)
  expect(await resolveHost('x.example')).toEqual([systemAddress])
})

it('does not wait again for public sources that were silent, for a minute', async () => {
  const { resolveHost, asked, time } = resolverOver(silent)
  await resolveHost('x.example')
  await resolveHost('y.example')
  expect(asked.open).toBe(1)
  time.now = 60_000
  await resolveHost('x.example')
  expect(asked.open).toBe(2)
})

it.each(['localhost', 'app.localhost'])('asks nobody for %s', async (host) => {
  const { resolveHost, asked } = resolverOver(absent)
  expect(await resolveHost(host)).toEqual([
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ])
  expect(asked).toEqual({ open: 0, system: 0 })
})

it.each([
  [
    { all: true },
    [
      [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ],
    ],
  ],
  [{ all: true, family: 6 }, [[{ address: '::1', family: 6 }]]],
  [{}, ['127.0.0.1', 4]],
  [{ family: 6 }, ['::1', 6]],
])('serves as `lookup` of a connection with %j', async (options, expected) => {
  const lookup = lookupWith(resolverOver().resolveHost)
  const answer = await new Promise<unknown[]>((resolve) =>
    lookup('localhost', options, (...all) => resolve(all)),
  )
  expect(answer).toEqual([null, ...expected])
})
