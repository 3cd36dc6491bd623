import { describe, expect, it } from 'vitest'
import { createProbeStreams } from '../../../src/tunnels/probe-stream.ts'
import { createFakeClock } from './fake-clock.ts'

const never = new AbortController().signal

function openStreams() {
  const clock = createFakeClock()
  return { clock, streams: createProbeStreams(clock) }
}

describe('a probe stream', () => {
  it('sends one event at once, another later, and ends', async () => {
    const { clock, streams } = openStreams()
    const response = streams.serve(streams.issue().ticket, never)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect(await reader?.read()).toEqual({ done: false, value: 'data: first\n\n' })
    const second = reader?.read()
    await clock.advance(1_500)
    expect(await second).toEqual({ done: false, value: 'data: last\n\n' })
    expect(await reader?.read()).toMatchObject({ done: true })
    expect(clock.timers()).toBe(0)
  })

  it.each<[string, (world: ReturnType<typeof openStreams>) => string]>([
    ['an unknown ticket', () => 'guess'],
    [
      'a ticket that was given back',
      ({ streams }) => {
        const { ticket, giveBack } = streams.issue()
        giveBack()
        return ticket
      },
    ],
    [
      'a ticket of a minute ago',
      ({ streams, clock }) => {
        const { ticket } = streams.issue()
        clock.sleep(60_000)
        return ticket
      },
    ],
    [
      'the oldest of too many tickets',
      ({ streams }) => {
        const { ticket } = streams.issue()
        for (let count = 0; count < 16; count++) streams.issue()
        return ticket
      },
    ],
  ])('is refused with %s', (_, takeTicket) => {
    const world = openStreams()
    expect(world.streams.serve(takeTicket(world), never).status).toBe(404)
  })

  it('is refused when eight are open, until one ends', async () => {
    const { clock, streams } = openStreams()
    const { ticket } = streams.issue()
    const leaving = new AbortController()
    for (let count = 0; count < 7; count++) streams.serve(ticket, never)
    streams.serve(ticket, leaving.signal)
    expect(streams.serve(ticket, never).status).toBe(429)
    leaving.abort()
    expect(streams.serve(ticket, never).status).toBe(200)
    await clock.advance(1_500)
    expect(clock.timers()).toBe(0)
    expect(streams.serve(ticket, never).status).toBe(200)
  })

  it('ends with a reader who leaves', async () => {
    const { clock, streams } = openStreams()
    await streams.serve(streams.issue().ticket, never).body?.cancel()
    expect(clock.timers()).toBe(0)
  })
})
