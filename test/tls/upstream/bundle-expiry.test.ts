import { describe, expect, it, onTestFinished } from 'vitest'
import { findExpiring, watchBundleExpiry } from '../../../src/tls/upstream/bundle-expiry.ts'
import type { BundleDescription } from '../../../src/tls/upstream/describe-bundle.ts'
import { startTestGateway } from '../../fixtures/gateway.ts'
import { dayMs, hourMs, manualClock } from '../lab.ts'
import { change, openLab } from './bundle-lab.ts'
import { fileOf, issue } from './lab.ts'

const start = Date.parse('2026-11-21T12:00:00Z')

/** A bundle whose root ends at `root`, and whose client certificate ends at `client`. */
function bundleOf({ root, client, now }: { root: number; client?: number; now: number }) {
  const certificate = (subject: string, notAfter: number) => ({
    subject,
    issuer: 'CN=Root',
    fingerprint256: subject,
    notBefore: 0,
    notAfter,
    daysLeft: Math.floor((notAfter - now) / dayMs),
  })
  const description: BundleDescription = {
    server: 'intranet',
    state: 'good',
    problem: undefined,
    hint: undefined,
    certificates: [{ kind: 'root', ...certificate('CN=Root', root) }],
    missing: [],
    clientCertificate: client === undefined ? undefined : certificate('CN=ada', client),
    fingerprint: 'AA',
    changed: undefined,
  }
  return description
}

describe('findExpiring', () => {
  it.each([
    [31 * dayMs, undefined],
    [30 * dayMs, undefined],
    [30 * dayMs - 1, 30],
    [7 * dayMs, 30],
    [7 * dayMs - 1, 7],
    [dayMs, 7],
    [dayMs - 1, 1],
    [0, 1],
    [-1, 0],
    [-400 * dayMs, 0],
  ])('with %i ms left reports the threshold %s', (left, threshold) => {
    const bundle = bundleOf({ root: start + left, now: start })
    expect(findExpiring([bundle]).map((finding) => finding.threshold)).toEqual(
      threshold === undefined ? [] : [threshold],
    )
  })

  it('names server, certificate, day and the command, for client certificates too', () => {
    const bundle = bundleOf({ root: start + 2 * dayMs, client: start - dayMs, now: start })
    expect(findExpiring([bundle])).toMatchObject([
      {
        message: 'The CA certificate CN=Root of server "intranet" expires on 2026-11-23.',
        hint: 'Add its successor: pnpm sallyport ca add intranet <file>',
      },
      {
        message: 'The client certificate CN=ada of server "intranet" expired on 2026-11-20.',
        hint: expect.stringContaining('--client-cert <file> --client-key <file>'),
      },
    ])
  })
})

type Warning = Parameters<Parameters<typeof watchBundleExpiry>[0]['warn']>[0]

describe('watchBundleExpiry', () => {
  it('tells each threshold once, as time passes, until it is stopped', async () => {
    const clock = manualClock(start)
    const told: Warning[] = []
    const list = async () => [bundleOf({ root: start + 31 * dayMs, now: clock.now() })]
    const warn = (warning: Warning) => void told.push(warning)
    const stop = watchBundleExpiry({ bundles: { list }, clock, warn })
    const days: number[] = []
    for (let hour = 0; hour <= 32 * 24; hour++) {
      await Promise.resolve()
      await Promise.resolve()
      while (days.length < told.length) days.push(Math.floor((clock.now() - start) / dayMs))
      clock.advance(hourMs)
    }
    expect(days).toEqual([1, 24, 30, 31])
    expect(told.every(({ code }) => code === 'CA_BUNDLE_EXPIRES')).toBe(true)
    stop()
    expect(clock.timers()).toBe(0)
  })

  it('goes on when the bundles cannot be read for a while', async () => {
    const clock = manualClock(start)
    const told: Warning[] = []
    let works = false
    const list = async () => {
      if (!works) throw new Error('the database is locked')
      return [bundleOf({ root: start, now: clock.now() })]
    }
    watchBundleExpiry({ bundles: { list }, clock, warn: (warning) => void told.push(warning) })
    await Promise.resolve()
    works = true
    clock.advance(hourMs)
    await expect.poll(() => told.length).toBe(1)
  })
})

describe('the gateway', () => {
  it('warns of a certificate that is about to expire', async () => {
    const { folder, bundles } = await openLab()
    const { pem } = await issue({ name: 'Lab Root', until: 3 })
    await bundles.add('intranet', [fileOf('root.pem', pem)], change)
    const { events, close } = await startTestGateway({ servers: {}, config: { home: folder } })
    onTestFinished(close)
    const warnings = () =>
      events.filter((event) => event.event === 'warning' && event.code === 'CA_BUNDLE_EXPIRES')
    await expect.poll(warnings).toMatchObject([{ message: expect.stringContaining('intranet') }])
  })
})
