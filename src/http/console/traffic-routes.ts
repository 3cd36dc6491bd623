import { Hono } from 'hono'
import { matcherOf, type TrafficEntry, type TrafficFilter } from '../../traffic/entry.ts'
import type { Traffic } from '../../traffic/traffic.ts'
import { type AdminEnv, apiResponse } from '../admin/guard.ts'

/** What waits for a watcher that reads slowly; beyond that it loses entries, and is told how many. */
const maxWaiting = { entries: 1_000, characters: 16 * 1024 * 1024 }
/** Some programs take a silent stream for a dead one, ms. */
const heartbeatMs = 15_000

/**
 * `GET /api/console/traffic`: what is kept of what passed, as JSON; with `follow=1` what passes from now
 * on, as an event stream of `entry` and `lost` events. `profile`, `server`, `method`, `grep` and
 * `errors=1` say which.
 */
export function trafficRoutes(traffic: Pick<Traffic, 'entries' | 'watch'>): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>({ strict: false })
  app.get('/api/console/traffic', (c) => {
    const matches = matcherOf(filterOf((name) => c.req.query(name)))
    if (c.req.query('follow') !== '1') {
      return apiResponse({ entries: traffic.entries().filter(matches) })
    }
    return new Response(follow(traffic, { matches, signal: c.req.raw.signal }), {
      headers: { 'cache-control': 'no-store', 'content-type': 'text/event-stream' },
    })
  })
  return app
}

function filterOf(query: (name: string) => string | undefined): TrafficFilter {
  return {
    profile: query('profile'),
    server: query('server'),
    method: query('method'),
    grep: query('grep'),
    errors: query('errors') === '1',
  }
}

/** Watches as long as somebody reads, and no faster than they do. */
function follow(
  traffic: Pick<Traffic, 'watch'>,
  { matches, signal }: { matches: (entry: TrafficEntry) => boolean; signal: AbortSignal },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  // Said at once, so that whoever follows knows that nothing is missed from here on.
  let waiting = [': watching\n\n']
  let characters = 0
  let lost = 0
  let wake: (() => void) | undefined
  const put = (text: string) => {
    waiting.push(text)
    characters += text.length
    wake?.()
  }
  const leave = traffic.watch((entry) => {
    if (!matches(entry)) return
    const isFull = waiting.length >= maxWaiting.entries || characters >= maxWaiting.characters
    if (isFull) lost += 1
    else put(`event: entry\ndata: ${JSON.stringify(entry)}\n\n`)
  })
  const heartbeat = setInterval(() => waiting.length === 0 && put(':\n\n'), heartbeatMs)
  heartbeat.unref()
  signal.addEventListener('abort', stop, { once: true })
  function stop() {
    clearInterval(heartbeat)
    leave()
  }
  return new ReadableStream(
    {
      async pull(controller) {
        if (waiting.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        const text = waiting.join('')
        const told = lost > 0 ? `event: lost\ndata: ${JSON.stringify({ count: lost })}\n\n` : ''
        waiting = []
        characters = 0
        lost = 0
        controller.enqueue(encoder.encode(text + told))
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  )
}
