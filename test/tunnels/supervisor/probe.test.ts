import { describe, expect, it } from 'vitest'
import { type ProbeResult, probeAddress } from '../../../src/tunnels/probe.ts'
import { createProbeStreams } from '../../../src/tunnels/probe-stream.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { createFakeSender, type FakeAnswer, proofFor, type SendOptions } from './fake-sender.ts'
import { proveFake } from './prove.ts'

const origin = 'https://x.example'
const page = { status: 200, contentType: 'text/html', body: ['<h1>Are you sure?</h1>'] }
const live = { contentType: 'text/event-stream', body: ['data: first\n\n', 'data: last\n\n'] }
const together = { contentType: 'text/event-stream', body: ['data: first\n\ndata: last\n\n'] }

/** An address as an edge serves it: what proof, stream and browser get. */
interface EdgeScript {
  readonly proof?: (url: URL, clock: FakeClock) => Promise<FakeAnswer> | FakeAnswer
  readonly stream?: (method: string) => Promise<FakeAnswer> | FakeAnswer
  readonly browser?: (url: URL, headers: Readonly<Record<string, string>>) => FakeAnswer
}

function begin(edge: EdgeScript, { skip = 'skip-it' as string | undefined } = {}) {
  const clock = createFakeClock()
  const progress: string[] = []
  const leaving = new AbortController()
  const isBrowser = ({ headers }: SendOptions) => headers?.['user-agent']?.includes('Mozilla')
  const sender = createFakeSender((url, options) => {
    const { method = 'GET', headers = {} } = options
    if (url.pathname.startsWith('/api/probe/')) return edge.stream?.(method) ?? live
    if (isBrowser(options)) return edge.browser?.(url, headers) ?? proofFor(url)
    return edge.proof?.(url, clock) ?? proofFor(url)
  })
  const result = probeAddress(origin, {
    sender,
    prove: proveFake,
    streams: createProbeStreams(clock),
    skipInterstitialHeader: skip,
    clock,
    signal: leaving.signal,
    onProgress: (what) => progress.push(what),
  })
  result.catch(() => {})
  return { result, clock, progress, leaving }
}

async function probe(edge: EdgeScript, options: { skip?: string | undefined } = {}) {
  const { result, clock } = begin(edge, options)
  await clock.advance(60_000)
  return result
}

function verdictOf(result: ProbeResult) {
  if (!result.ok) throw new Error(result.reason)
  return result.verdict
}

const forever = new Promise<never>(() => {})

describe('a probe', () => {
  it('finds nothing wrong with a plain address', async () => {
    expect(verdictOf(await probe({}))).toEqual({
      roundTripMs: 0,
      post: { state: 'live', firstByteMs: 0 },
      get: { state: 'live', firstByteMs: 0 },
      interstitial: { state: 'none' },
      tookMs: 0,
    })
  })

  it('waits for a name that does not exist yet, and says what it waits for', async () => {
    let asked = 0
    const { result, clock, progress } = begin({
      proof: (url) => {
        asked += 1
        if (asked < 4) throw new Error('the name x.example does not exist yet')
        return proofFor(url)
      },
    })
    await clock.advance(5_000)
    expect((await result).ok).toBe(true)
    expect(progress[1]).toBe(
      'waiting for https://x.example to lead here (0 s): the name x.example does not exist yet',
    )
    expect(progress.at(-1)).toBe('measuring streams')
  })

  it.each<[string, EdgeScript['proof'], string]>([
    ['an edge without a way here', () => ({ status: 530 }), 'it answered HTTP 530'],
    ['another server', () => ({ body: ['hello'] }), 'another server answers there'],
    ['a page of the edge', () => page, 'another server answers there'],
    ['an edge that never answers', () => forever, 'nothing came within 5 s'],
  ])('gives up on %s in half a minute', async (_, proof, reason) => {
    const { result, clock } = begin({ ...(proof && { proof }) })
    const startedAt = clock.now()
    let endedAt = 0
    void result.then(() => {
      endedAt = clock.now()
    })
    await clock.advance(60_000)
    expect(await result).toEqual({ ok: false, reason })
    expect(endedAt - startedAt).toBeLessThan(36_000)
    expect(clock.timers()).toBe(0)
  })

  it.each<[string, EdgeScript['stream'], object, object]>([
    [
      'GET is held back until its end',
      (method) => (method === 'GET' ? together : live),
      { state: 'live', firstByteMs: 0 },
      { state: 'withheld' },
    ],
    [
      'nothing of GET ever arrives',
      (method) => (method === 'GET' ? forever : live),
      { state: 'live', firstByteMs: 0 },
      { state: 'withheld' },
    ],
    [
      'streams are refused',
      () => ({ status: 502 }),
      { state: 'failed', reason: 'HTTP 502' },
      { state: 'failed', reason: 'HTTP 502' },
    ],
    [
      'streams are cut off',
      () => ({ body: ['data: fi'] }),
      { state: 'failed', reason: 'the events did not arrive' },
      { state: 'failed', reason: 'the events did not arrive' },
    ],
  ])('sees that %s', async (_, stream, post, get) => {
    expect(verdictOf(await probe({ ...(stream && { stream }) }))).toMatchObject({ post, get })
  })

  it.each<[string, EdgeScript['browser'], string | undefined, object]>([
    ['a page for browsers', () => page, undefined, { state: 'met', status: 200 }],
    [
      'a page that the header skips',
      (url, headers) => (headers['skip-it'] ? proofFor(url) : { ...page, status: 511 }),
      'skip-it',
      { state: 'met', status: 511, skippedBy: 'skip-it' },
    ],
    ['a page that the header does not skip', () => page, 'skip-it', { state: 'met', status: 200 }],
    [
      'an error without a page',
      () => ({ status: 502 }),
      'skip-it',
      { state: 'unknown', reason: 'it answered HTTP 502' },
    ],
  ])('recognizes %s', async (_, browser, skip, interstitial) => {
    const result = await probe({ ...(browser && { browser }) }, { skip })
    expect(verdictOf(result)).toMatchObject({ interstitial })
  })

  it('ends at once when it is aborted', async () => {
    const { result, clock, leaving } = begin({ proof: () => forever })
    await clock.advance(1_000)
    leaving.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    await clock.advance(0)
    expect(clock.timers()).toBe(0)
  })
})
