import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trafficRoutes } from '../../../src/http/console/traffic-routes.ts'
import { createEventReader } from '../../../src/mcp/wire/event-stream.ts'
import type { TrafficEntry } from '../../../src/traffic/entry.ts'
import { secretNames } from '../../../src/traffic/redact-body.ts'
import { createTraffic } from '../../../src/traffic/traffic.ts'
import { startTestGateway, stdioFixture, type TestGateway } from '../../fixtures/gateway.ts'
import { openSession } from '../../fixtures/wire-client.ts'
import { openAdmin } from '../admin/admin-lab.ts'

let gateway: TestGateway
let admin: Awaited<ReturnType<typeof openAdmin>>
let cookie: string

beforeAll(async () => {
  const servers = { scripted: stdioFixture('scripted-stdio.ts') }
  gateway = await startTestGateway({ servers })
  admin = await openAdmin(gateway)
  cookie = await admin.signIn()
})
afterAll(async () => {
  await admin.close()
  await gateway.close()
})

/** Reads a stream, as slowly as the test wants. */
async function follow(query = '') {
  const leave = new AbortController()
  const url = `${admin.origin}/api/console/traffic?follow=1${query}`
  const response = await fetch(url, { headers: { cookie }, signal: leave.signal })
  const reader = response.body?.getReader()
  const events: { type: string | undefined; data: string }[] = []
  const feed = createEventReader({
    onEvent: ({ event, data }) => void events.push({ type: event, data }),
  })
  const read = async (count: number) => {
    while (events.length < count) {
      const { value, done } = (await reader?.read()) ?? { done: true }
      if (done) throw new Error('the stream has ended')
      feed(Buffer.from(value as Uint8Array))
    }
    return events
  }
  // The first thing that is said is that it watches.
  feed(Buffer.from((await reader?.read())?.value as Uint8Array))
  return { read, leave: () => leave.abort(), type: response.headers.get('content-type') }
}

const entryOf = ({ data }: { data: string }) => JSON.parse(data) as TrafficEntry

describe('GET /api/console/traffic', () => {
  it('follows what passes, and only what was asked for', async () => {
    const stream = await follow('&method=tools/*')
    expect(stream.type).toBe('text/event-stream')
    const ada = await openSession(gateway.url())
    await ada.call('hi')
    const [event] = await stream.read(1)
    expect(event?.type).toBe('entry')
    expect(event && entryOf(event)).toMatchObject({ method: 'tools/call', name: 'hi' })
    stream.leave()
    await ada.end()
  })

  it('answers with what is kept', async () => {
    const response = await fetch(`${admin.origin}/api/console/traffic?grep=INITIALIZE`, {
      headers: { cookie },
    })
    const { entries } = (await response.json()) as { entries: TrafficEntry[] }
    expect(entries.length).toBeGreaterThan(0)
    expect(new Set(entries.map((one) => 'method' in one && one.method))).toEqual(
      new Set(['initialize', 'notifications/initialized']),
    )
  })

  it('stops being watched when nobody reads any more', async () => {
    const stream = await follow()
    stream.leave()
    const ada = await openSession(gateway.url())
    const seen = () => gateway.gateway.traffic.entries().length
    await expect
      .poll(async () => {
        const before = seen()
        await ada.call('hi')
        return seen() - before
      })
      .toBe(0)
    await ada.end()
  })

  it('tells one that reads slowly how much it lost, and waits for nobody', async () => {
    const traffic = createTraffic({ now: Date.now, names: secretNames(), secrets: () => [] })
    const response = await trafficRoutes(traffic).request('/api/console/traffic?follow=1')
    for (let count = 0; count < 3_000; count += 1) {
      traffic.note({ what: 'config', text: `${count}`, isProblem: false })
    }
    const events: string[] = []
    const feed = createEventReader({
      onEvent: ({ event, data }) => void events.push(`${event} ${data}`),
    })
    const { value } = (await response.body?.getReader().read()) ?? {}
    feed(Buffer.from(value ?? ''))
    expect(events).toHaveLength(1_000)
    expect(events[0]).toContain('"text":"0"')
    expect(events.at(-1)).toBe('lost {"count":2001}')
  })
})
