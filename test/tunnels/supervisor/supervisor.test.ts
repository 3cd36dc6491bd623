import { describe, expect, it } from 'vitest'
import { UserError } from '../../../src/errors.ts'
import { settle } from './fake-clock.ts'
import { supervise } from './supervised.ts'

const refusal = new UserError('TUNNEL_NAME_TAKEN', 'The name is taken.', { hint: 'Take another.' })

describe('the start', () => {
  it('proves the first provider of the order, then announces its address', async () => {
    const { supervisor, states, publicUrls, admitted, two } = supervise()
    expect(await supervisor.start()).toMatchObject({
      state: 'up',
      publicUrl: 'https://one.example',
    })
    expect(states()).toEqual(['one opening', 'one proving', 'one up'])
    expect(publicUrls).toEqual(['https://one.example'])
    expect([...admitted]).toEqual(['https://one.example'])
    expect(two.opens()).toBe(0)
  })

  it('tells what each failed provider said and goes on to the next', async () => {
    const { supervisor, one, events } = supervise()
    one.script = { error: refusal }
    expect(await supervisor.start()).toMatchObject({ state: 'up', provider: 'two' })
    expect(events).toContainEqual({
      event: 'tunnel',
      provider: 'one',
      state: 'failed',
      code: 'TUNNEL_NAME_TAKEN',
      message: 'The name is taken.',
      hint: 'Take another.',
    })
  })

  it('does not open what is not set up', async () => {
    const { supervisor, one } = supervise()
    one.checkResult = {
      ok: false,
      configured: false,
      code: 'TUNNEL_AUTH_REQUIRED',
      message: 'No token.',
      hint: 'Set one.',
    }
    expect(await supervisor.start()).toMatchObject({ state: 'up', provider: 'two' })
    expect(one.opens()).toBe(0)
  })

  it('closes a tunnel whose address does not lead here, and shuts its origin out', async () => {
    const { supervisor, edge, one, two, admitted } = supervise()
    edge.probeResult = { ok: false, reason: 'it answered HTTP 502' }
    const status = await supervisor.start()
    expect(status).toMatchObject({ state: 'local' })
    expect(status.state === 'local' && status.failures.map(({ message }) => message)).toEqual([
      'The tunnel opened, but https://one.example does not lead here: it answered HTTP 502.',
      'The tunnel opened, but https://two.example does not lead here: it answered HTTP 502.',
    ])
    expect([one.running(), two.running(), admitted.size]).toEqual([0, 0, 0])
  })

  it('stays local without network and opens nothing, until there is one', async () => {
    const { supervisor, edge, one, clock, publicUrls } = supervise()
    for (const name of ['one', 'two']) edge.services.set(`${name}.service`, 'silent')
    expect(await supervisor.start()).toMatchObject({
      state: 'local',
      reason: expect.stringContaining('There is no network'),
    })
    expect(one.opens()).toBe(0)
    edge.services.set('one.service', 'answering')
    await clock.advance(5_000)
    expect(supervisor.status()).toMatchObject({ state: 'up', provider: 'one' })
    expect(publicUrls).toEqual(['https://one.example'])
  })

  it('tries what the user named though there seems to be no network', async () => {
    const { supervisor, edge, one, two, clock } = supervise({ named: true })
    for (const name of ['one', 'two']) edge.services.set(`${name}.service`, 'silent')
    one.script = { error: refusal }
    two.script = { error: refusal }
    expect(await supervisor.start()).toMatchObject({
      state: 'local',
      reason: 'No tunnel could be opened, so only local addresses are served.',
      failures: [{ provider: 'one' }, { provider: 'two' }],
    })
    await clock.advance(60_000)
    expect([one.opens(), two.opens()]).toEqual([1, 1])
    one.script = { url: 'https://one.example' }
    edge.services.set('one.service', 'answering')
    await clock.advance(5_000)
    expect(supervisor.status()).toMatchObject({ state: 'up', provider: 'one' })
  })

  it('tries the order again when the network changes', async () => {
    const { supervisor, one, two, clock, world } = supervise()
    one.script = { error: refusal }
    two.script = { error: refusal }
    await supervisor.start()
    two.script = { url: 'https://two.example' }
    await clock.advance(60_000)
    expect(supervisor.status().state).toBe('local')
    world.interfaces = { wifi: [{ internal: false, address: '10.0.0.2' } as never] }
    await clock.advance(1_000)
    expect(supervisor.status()).toMatchObject({ state: 'up', provider: 'two' })
  })

  it('rejects with a bug of its own', async () => {
    const bug = new Error('a bug')
    const { supervisor } = supervise({
      admit: () => {
        throw bug
      },
      onEvent: () => {
        throw bug
      },
    })
    await expect(supervisor.start()).rejects.toBe(bug)
  })
})

describe('a lost tunnel', () => {
  it('is opened again within half a second, without a change of address', async () => {
    const { supervisor, one, clock, states, publicUrls } = supervise()
    await supervisor.start()
    await clock.advance(11_000)
    one.end()
    await clock.advance(499)
    expect(supervisor.status()).toMatchObject({ state: 'up' })
    expect(states().slice(3)).toEqual(['one lost', 'one opening', 'one proving', 'one up'])
    expect(publicUrls).toEqual(['https://one.example'])
  })

  it('reports the address it has when that is another one', async () => {
    const { supervisor, one, clock, publicUrls, admitted } = supervise()
    await supervisor.start()
    one.script = { url: 'https://other.example' }
    one.end()
    await clock.advance(1_000)
    expect(publicUrls).toEqual(['https://one.example', 'https://other.example'])
    expect([...admitted]).toEqual(['https://other.example'])
  })

  it('is retried ever more slowly, up to half a minute', async () => {
    const { supervisor, one, clock, events, publicUrls } = supervise({ failOver: false })
    await supervisor.start()
    await clock.advance(11_000)
    one.script = { error: refusal }
    one.end()
    await clock.advance(120_000)
    const delays = events.flatMap(({ retryInMs }) => (retryInMs === undefined ? [] : [retryInMs]))
    expect(delays.slice(0, 8)).toEqual([438, 875, 1750, 3500, 7000, 14_000, 26_250, 26_250])
    expect(publicUrls).toEqual(['https://one.example'])
  })

  it('is replaced by the next provider after three failed reopenings', async () => {
    const { supervisor, one, clock, publicUrls } = supervise()
    await supervisor.start()
    one.script = { error: refusal }
    one.end()
    await clock.advance(10_000)
    expect(one.opens()).toBe(4)
    expect(supervisor.status()).toMatchObject({ state: 'up', provider: 'two' })
    expect(publicUrls).toEqual(['https://one.example', 'https://two.example'])
  })

  it('is replaced at once when its service said that trying again will not help', async () => {
    const { supervisor, one, clock } = supervise()
    await supervisor.start()
    one.end({ reason: 'failed', detail: 'The token was revoked.' })
    await clock.advance(1_000)
    expect(one.opens()).toBe(1)
    expect(supervisor.status()).toMatchObject({ state: 'up', provider: 'two' })
  })

  it('keeps its turn while there is no network', async () => {
    const { supervisor, edge, one, two, clock } = supervise()
    await supervisor.start()
    for (const name of ['one', 'two']) edge.services.set(`${name}.service`, 'silent')
    one.script = { error: refusal }
    one.end()
    await clock.advance(60_000)
    expect(two.opens()).toBe(0)
    one.script = { url: 'https://one.example' }
    edge.services.clear()
    await clock.advance(2_000)
    expect(supervisor.status()).toMatchObject({ state: 'up', provider: 'one' })
  })

  it('leaves only local addresses when nobody can replace it, and is tried again', async () => {
    const { supervisor, one, two, clock, publicUrls } = supervise()
    await supervisor.start()
    one.script = { error: refusal }
    two.script = { error: refusal }
    one.end()
    await clock.advance(10_000)
    expect(publicUrls).toEqual(['https://one.example', undefined])
    one.script = { url: 'https://one.example' }
    await clock.advance(60_000)
    expect(publicUrls).toEqual(['https://one.example', undefined, 'https://one.example'])
  })
})

describe('recovery', () => {
  it.each(['silent', 'failing'] as const)(
    'takes under 5 s once an edge that was %s for ten minutes is back',
    async (view) => {
      const { supervisor, edge, one, clock } = supervise({ failOver: false })
      await supervisor.start()
      edge.address = view
      one.script = { error: refusal }
      one.end()
      await clock.advance(600_000)
      edge.address = 'answering'
      one.script = { url: 'https://one.example' }
      await clock.advance(2_500)
      expect(supervisor.status()).toMatchObject({ state: 'up' })
    },
  )

  it('takes under 5 s though the old address never comes back, as that of a quick tunnel', async () => {
    const { supervisor, edge, one, clock } = supervise({ failOver: false })
    await supervisor.start()
    edge.address = 'silent'
    edge.services.set('one.service', 'silent')
    one.script = { error: refusal }
    one.end()
    await clock.advance(600_000)
    edge.services.set('one.service', 'answering')
    one.script = { url: 'https://another.example' }
    await clock.advance(2_500)
    expect(supervisor.status()).toMatchObject({ publicUrl: 'https://another.example' })
  })

  it('takes under 5 s when the client itself hangs in an attempt from before', async () => {
    const { supervisor, edge, one, clock } = supervise({ failOver: false })
    await supervisor.start()
    edge.address = 'silent'
    one.script = 'hangs'
    one.end()
    await clock.advance(30_000)
    expect(one.running()).toBe(1)
    edge.address = 'answering'
    one.script = { url: 'https://one.example' }
    await clock.advance(5_000)
    expect(supervisor.status()).toMatchObject({ state: 'up' })
    expect(one.running()).toBe(1)
  })
})

describe('health', () => {
  it('is checked through the public address every 15 s, give or take a fifth', async () => {
    const { supervisor, edge, clock } = supervise()
    await supervisor.start()
    await clock.advance(150_000)
    expect(edge.checks()).toBe(10)
  })

  it('ends a client whose address is dead, though the client does not know', async () => {
    const { supervisor, edge, one, clock, events } = supervise()
    await supervisor.start()
    edge.health = { ok: false, reason: 'it answered HTTP 404' }
    await clock.advance(15_600)
    expect(one.running()).toBe(0)
    expect(events).toContainEqual(
      expect.objectContaining({
        state: 'lost',
        code: 'TUNNEL_LOST',
        message: 'https://one.example no longer leads here: it answered HTTP 404.',
      }),
    )
    edge.health = { ok: true }
    await clock.advance(500)
    expect(supervisor.status()).toMatchObject({ state: 'up' })
    expect(one.running()).toBe(1)
  })

  it('forgives one failed check', async () => {
    const { supervisor, edge, one, clock } = supervise()
    await supervisor.start()
    edge.health = { ok: false, reason: 'a hiccup' }
    await clock.advance(15_100)
    edge.health = { ok: true }
    await clock.advance(60_000)
    expect(one.opens()).toBe(1)
  })

  it('leaves the client alone while there is no network, and checks when it is back', async () => {
    const { supervisor, edge, one, clock } = supervise()
    await supervisor.start()
    for (const name of ['one', 'two']) edge.services.set(`${name}.service`, 'silent')
    edge.health = { ok: false, reason: 'no network' }
    await clock.advance(60_000)
    expect(one.running()).toBe(1)
    const checks = edge.checks()
    edge.services.clear()
    edge.health = { ok: true }
    await clock.advance(1_000)
    expect(edge.checks()).toBe(checks + 1)
    expect(one.opens()).toBe(1)
  })

  it.each<[string, (world: ReturnType<typeof supervise>) => void]>([
    ['a wake from sleep', ({ clock }) => clock.sleep(60_000)],
    [
      'a change of the network',
      ({ world }) => {
        world.interfaces = { wifi: [{ internal: false, address: '10.0.0.2' } as never] }
      },
    ],
    ['a dropped connection to the edge', ({ edge }) => edge.drop()],
  ])('is checked at once after %s', async (_, happen) => {
    const supervised = supervise()
    await supervised.supervisor.start()
    await supervised.clock.advance(2_000)
    expect(supervised.edge.checks()).toBe(0)
    happen(supervised)
    await supervised.clock.advance(1_000)
    expect(supervised.edge.checks()).toBe(1)
  })
})

describe('reopen', () => {
  it('replaces an open tunnel at once', async () => {
    const { supervisor, one } = supervise()
    await supervisor.start()
    expect(await supervisor.reopen()).toMatchObject({ state: 'up', provider: 'one' })
    expect([one.opens(), one.running()]).toEqual([2, 1])
  })

  it('leaves nothing of two hundred tunnels behind', async () => {
    const { supervisor, one, edge, clock, admitted } = supervise()
    await supervisor.start()
    const left = () => [clock.timers(), one.running(), edge.lines(), admitted.size]
    const before = left()
    for (let round = 0; round < 200; round++) await supervisor.reopen()
    expect(one.opens()).toBe(201)
    expect(left()).toEqual(before)
  })

  it('does not wait for the next attempt', async () => {
    const { supervisor, one, clock } = supervise({ failOver: false })
    await supervisor.start()
    one.script = { error: refusal }
    one.end()
    await clock.advance(60_000)
    one.script = { url: 'https://one.example' }
    expect(await supervisor.reopen()).toMatchObject({ state: 'up' })
  })

  it('says so when it did not help', async () => {
    const { supervisor, one } = supervise({ failOver: false })
    await supervisor.start()
    one.script = { error: refusal }
    expect(await supervisor.reopen()).toMatchObject({
      state: 'lost',
      failure: { code: 'TUNNEL_NAME_TAKEN' },
    })
  })
})

describe('close', () => {
  it.each<[string, (world: ReturnType<typeof supervise>) => Promise<unknown>]>([
    ['it was started', async () => {}],
    ['it is up', ({ supervisor }) => supervisor.start()],
    [
      'a client hangs while opening',
      ({ supervisor, one }) => {
        one.script = 'hangs'
        void supervisor.start()
        return settle()
      },
    ],
    [
      'it is being reopened',
      async ({ supervisor, one, clock }) => {
        await supervisor.start()
        one.script = 'hangs'
        one.end()
        await clock.advance(2_000)
      },
    ],
    [
      'there is no network',
      ({ supervisor, edge }) => {
        for (const name of ['one', 'two']) edge.services.set(`${name}.service`, 'silent')
        return supervisor.start()
      },
    ],
  ])('leaves nothing behind when %s', async (_, happen) => {
    const world = supervise()
    await happen(world)
    await world.supervisor.close()
    await world.supervisor.close()
    expect(world.supervisor.status()).toEqual({ state: 'closed' })
    expect(world.clock.timers()).toBe(0)
    expect([world.one.running(), world.edge.lines(), world.admitted.size]).toEqual([0, 0, 0])
  })

  it('answers whoever still waits for the start', async () => {
    const { supervisor, one } = supervise()
    one.script = 'hangs'
    const starting = supervisor.start()
    await settle()
    await supervisor.close()
    expect(await starting).toEqual({ state: 'closed' })
    expect(await supervisor.reopen()).toEqual({ state: 'closed' })
  })
})
