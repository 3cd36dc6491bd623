import { describe, expect, it } from 'vitest'
import { type CallEntry, matcherOf, type TrafficEntry } from '../../src/traffic/entry.ts'
import { readRecording, recordingHeader, recordingLine } from '../../src/traffic/recording.ts'
import { secretNames } from '../../src/traffic/redact-body.ts'
import { createTraffic } from '../../src/traffic/traffic.ts'

const sessionId = 'the-sealed-id-of-a-session'
const facts = {
  profile: 'default',
  client: 'ada 1.0',
  caller: 'anybody',
  sessionId,
  era: 'legacy' as const,
  method: 'tools/call',
  name: 'echo',
  text: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}',
}

function watched() {
  const traffic = createTraffic({ now: () => 1_000, names: secretNames(), secrets: () => ['k3y'] })
  const heard: TrafficEntry[] = []
  const leave = traffic.watch((entry) => heard.push(entry))
  return { ...traffic, heard, leave }
}

describe('traffic', () => {
  it('is not on while nobody watches', () => {
    const { tap, note, entries, leave } = watched()
    expect(tap.isOn).toBe(true)
    leave()
    expect(tap.isOn).toBe(false)
    note({ what: 'tunnel', text: 'is up', isProblem: false })
    expect(entries()).toEqual([])
  })

  it('has a call with what passed meanwhile, without secrets and without its session id', () => {
    const { tap, heard } = watched()
    const call = tap.begin(facts)
    call.sent('weather')
    call.aside('server', 'notifications/progress', '{"progress":1,"note":"k3y"}')
    call.returned()
    call.ended('result', '{"content":[],"token":"abc"}')
    call.ended('lost')
    expect(heard).toEqual([
      {
        kind: 'call',
        seq: 1,
        at: 1_000,
        session: expect.stringMatching(/^[0-9a-f]{8}$/),
        profile: 'default',
        client: 'ada 1.0',
        caller: 'anybody',
        era: 'legacy',
        method: 'tools/call',
        name: 'echo',
        server: 'weather',
        request: { bytes: facts.text.length, text: facts.text, isCut: false },
        answer: { bytes: 28, text: '{"content":[],"token":"REDACTED"}', isCut: false },
        outcome: 'ok',
        tookMs: expect.any(Number),
        serverMs: expect.any(Number),
        asides: [
          {
            afterMs: expect.any(Number),
            from: 'server',
            method: 'notifications/progress',
            body: { bytes: 27, text: '{"progress":1,"note":"REDACTED"}', isCut: false },
          },
        ],
      },
    ])
    expect(JSON.stringify(heard)).not.toContain(sessionId)
  })

  it.each([
    ['an answer', 'result', '{"content":[]}', 'ok', undefined],
    [
      'a failure of a tool',
      'result',
      '{"isError":true,"content":[{"text":"no k3y"}]}',
      'tool-error',
      'no REDACTED',
    ],
    ['an error', 'error', '{"code":-32602,"message":"Unknown tool"}', 'error', 'Unknown tool'],
    ['a call that was called off', 'cancelled', undefined, 'cancelled', undefined],
    ['a call whose client left', 'lost', undefined, 'lost', undefined],
  ] as const)('tells the outcome of %s', (_what, how, answer, outcome, problem) => {
    const { tap, heard } = watched()
    tap.begin(facts).ended(how, answer)
    expect(heard).toMatchObject([{ outcome, ...(problem && { problem }) }])
  })

  it('forgets the oldest beyond a number of entries', () => {
    const { tap, entries } = watched()
    for (let count = 0; count < 2_100; count += 1) tap.begin(facts).ended('result', '{}')
    expect(entries()).toHaveLength(2_000)
    expect(entries()[0]).toMatchObject({ seq: 101 })
  })

  it('forgets the oldest beyond a number of bytes', () => {
    const { tap, entries } = watched()
    const answer = JSON.stringify({ text: 'x'.repeat(60_000) })
    for (let count = 0; count < 1_000; count += 1) tap.begin(facts).ended('result', answer)
    expect(entries().length).toBeLessThan(560)
    expect(entries().length).toBeGreaterThan(500)
    expect(entries().at(-1)).toMatchObject({ seq: 1_000 })
  })

  it('keeps a bounded number of the messages of one call, and says how many more there were', () => {
    const { tap, heard } = watched()
    const call = tap.begin(facts)
    for (let count = 0; count < 250; count += 1) call.aside('server', 'notifications/message', '{}')
    call.ended('result', '{}')
    const [entry] = heard as CallEntry[]
    expect(entry?.asides).toHaveLength(200)
    expect(entry?.asidesLeftOut).toBe(50)
  })
})

describe('a filter', () => {
  const { tap, note, heard } = watched()
  const call = tap.begin(facts)
  call.sent('weather')
  call.ended('result', '{"content":[{"type":"text","text":"Rain in Oslo"}]}')
  tap
    .begin({ ...facts, profile: 'work', method: 'prompts/get' })
    .ended('error', '{"message":"gone"}')
  tap.message({ ...facts, from: 'client', method: 'notifications/initialized', text: '{}' })
  note({ what: 'upstream', server: 'weather', text: 'is up', isProblem: false })

  it.each([
    ['nothing', {}, [1, 2, 3, 4]],
    ['a profile', { profile: 'work' }, [2]],
    ['a server', { server: 'weather' }, [1, 4]],
    ['a method', { method: 'prompts/get' }, [2]],
    ['methods', { method: 'notifications/*' }, [3]],
    ['text in an answer', { grep: 'oslo' }, [1]],
    ['what went wrong', { errors: true }, [2]],
    ['all of it', { server: 'weather', errors: true }, []],
  ])('asks for %s', (_what, filter, found) => {
    expect(heard.filter(matcherOf(filter)).map(({ seq }) => seq)).toEqual(found)
  })
})

describe('a recording', () => {
  const { tap, heard } = watched()
  tap.begin(facts).ended('result', '{"text":"\u2028 and \\ud800"}')
  tap.begin(facts).ended('lost')
  const lines = heard.map(recordingLine)
  const text = recordingHeader(0) + lines.join('')

  it('is read as it was written', () => {
    expect(readRecording(text, 'a.jsonl')).toEqual(heard)
  })

  it('is read up to a line that was not written to its end', () => {
    expect(readRecording(text.slice(0, -20), 'a.jsonl')).toEqual(heard.slice(0, 1))
  })

  it.each([
    ['no header', lines.join(''), 'does not begin with the header of a recording'],
    ['nothing', '', 'does not begin with the header of a recording'],
    ['a later version', text.replace('"version":1', '"version":2'), 'of version 2'],
    ['a broken line', text.replace('{"kind"', '{"kind'), 'line 2 is not a JSON object'],
  ])('is refused with %s', (_what, broken, why) => {
    expect(() => readRecording(broken, 'a.jsonl')).toThrow(why)
  })
})
