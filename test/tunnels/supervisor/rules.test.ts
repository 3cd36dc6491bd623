import { describe, expect, it } from 'vitest'
import {
  describeVerdict,
  type ProbeVerdict,
  serverPolicy,
} from '../../../src/tunnels/probe-verdict.ts'
import { describeFailure } from '../../../src/tunnels/tunnel-status.ts'
import { goodVerdict } from './fake-edge.ts'
import { anyTraits } from './fake-provider.ts'

it('puts what a provider said on one line', () => {
  const code = 'TUNNEL_FAILED'
  const failure = {
    provider: 'ngrok',
    code,
    message: 'First.\n  Second.',
    hint: 'Do this.',
  } as const
  expect(describeFailure(failure)).toBe('ngrok: First. Second. Do this.')
})

const failed = { state: 'failed', reason: 'HTTP 502' } as const

describe('a verdict', () => {
  it.each<[string, Partial<ProbeVerdict>, string]>([
    ['good', {}, 'round trip 20 ms; POST streams in 21 ms; GET streams in 22 ms; no warning page'],
    [
      'of a quick tunnel',
      { get: { state: 'withheld' } },
      'round trip 20 ms; POST streams in 21 ms; GET streams are held back, so answered 405; no warning page',
    ],
    [
      'with a page that can be skipped',
      { interstitial: { state: 'met', status: 511, skippedBy: 'skip-it' } },
      'round trip 20 ms; POST streams in 21 ms; GET streams in 22 ms; browsers meet a warning page (the header skip-it skips it), API clients do not',
    ],
    [
      'without findings',
      { post: failed, get: failed, interstitial: { state: 'unknown', reason: 'HTTP 502' } },
      'round trip 20 ms; POST streams fail (HTTP 502), so what a call says comes with its result; GET streams fail (HTTP 502), so answered 405; whether browsers meet a warning page is not known (HTTP 502)',
    ],
  ])('that is %s is said in one line', (_, part, line) => {
    expect(describeVerdict({ ...goodVerdict, ...part })).toBe(line)
  })

  it.each<[string, Partial<ProbeVerdict>, object]>([
    ['live streams', {}, { getStreams: 'served', maxHeldStreams: 8 }],
    [
      'withheld GET streams',
      { get: { state: 'withheld' } },
      { getStreams: 'refused', maxHeldStreams: 8 },
    ],
    [
      'nothing that streams',
      { get: failed, post: { state: 'withheld' } },
      { getStreams: 'refused', maxHeldStreams: 8 },
    ],
  ])('with %s shapes the server', (_, part, policy) => {
    expect(serverPolicy({ ...goodVerdict, ...part }, anyTraits)).toEqual(policy)
  })
})
