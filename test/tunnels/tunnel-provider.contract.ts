import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Tunnel, TunnelEnd, TunnelProvider } from '../../src/tunnels/tunnel-provider.ts'
import { until } from '../cli/helpers.ts'
import { startTarget, type Target } from './target.ts'
import { type PublicAddress, startVisit, untilSaid, visit } from './visitor.ts'
import type { World } from './world.ts'

/** A provider with its real client, and an edge of its own to run it against. */
export interface TunnelHarness {
  readonly provider: TunnelProvider
  readonly world: World
  readonly edge: {
    refuse(): Promise<void>
    silence(): void
    restore(): Promise<void>
  }
  /** Where visitors find a public address. */
  locate(publicUrl: URL): PublicAddress
  /** Must appear nowhere. */
  readonly secrets: readonly string[]
  close(): Promise<void>
}

const never = new AbortController().signal

/** The contract of `TunnelProvider`, which each provider keeps with its real client. */
export function testTunnelProvider(name: string, setup: () => Promise<TunnelHarness>): void {
  describe(`${name} as a tunnel provider`, () => {
    let harness: TunnelHarness
    let target: Target
    beforeAll(async () => {
      harness = await setup()
      target = await startTarget()
    })
    afterAll(async () => {
      await target.stop()
      await harness.close()
    })

    describe('while it is open', () => {
      let tunnel: Tunnel
      let address: PublicAddress
      beforeAll(async () => {
        tunnel = await harness.provider.open(target.url, { signal: never })
        address = harness.locate(tunnel.publicUrl)
      })
      afterAll(() => tunnel.close())

      it('has what it needs', async () => {
        expect(await harness.provider.check()).toEqual({ ok: true })
      })

      it('answers a plain call, with the public host and repeated headers kept', async () => {
        const answer = await visit(address, '/hello')
        expect(answer).toMatchObject({ status: 200, text: 'hello GET' })
        expect(answer.headers['x-seen-host']).toBe(address.host)
        expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
      })

      it.each(['GET', 'POST'])(
        'delivers each event of a %s stream as it is sent',
        async (method) => {
          const { sent, answered } = startVisit(address, '/events', { method })
          sent.end()
          const stream = await answered
          await untilSaid(stream, ': open')
          for (const event of ['first', 'second', 'third']) {
            target.sendEvent(event)
            // The next is sent only once this one has come: nothing can be held back.
            await untilSaid(stream, `data: ${event}`)
          }
          sent.destroy()
        },
      )

      it('carries a request body piece by piece', async () => {
        const { sent, answered } = startVisit(address, '/echo', { method: 'POST' })
        sent.write('ping')
        const stream = await answered
        await untilSaid(stream, 'ping')
        sent.end('pong')
        await untilSaid(stream, 'pong')
      })

      it('answers 20 calls at once', async () => {
        const calls = Array.from({ length: 20 }, () => visit(address, '/slow'))
        const answers = await Promise.all(calls)
        expect(answers.map(({ text }) => text)).toEqual(Array(20).fill('done'))
      })

      it('carries a body of 16 MiB unchanged', async () => {
        const body = randomBytes(16 * 1024 * 1024)
        const answer = await visit(address, '/hash', { method: 'POST', body })
        expect(answer.text).toBe(createHash('sha256').update(body).digest('hex'))
      })

      it('tells the server behind it when a visitor leaves', async () => {
        const held = target.nextHeld()
        const aborted = target.nextAborted()
        const { sent } = startVisit(address, '/hold')
        sent.on('error', () => {})
        sent.end()
        await held
        sent.destroy()
        await aborted
      })

      it('shows no secret on any command line or in the log', () => {
        const seen = `${harness.world.commandLines()}\n${harness.world.logged()}`
        expect(seen).not.toBe('\n')
        for (const secret of harness.secrets) expect(seen).not.toContain(secret)
      })
    })

    describe('as it comes and goes', () => {
      afterEach(async () => {
        await harness.edge.restore()
        await nothingRuns()
      })
      // What a client has started is killed at once, but takes a moment to be gone.
      const nothingRuns = () => expect.poll(() => harness.world.running()).toEqual([])

      const open = () => harness.provider.open(target.url, { signal: never })

      it('starts nothing when it is aborted before it begins', async () => {
        const before = harness.world.started.length
        const reason = new Error('not today')
        const opening = harness.provider.open(target.url, { signal: AbortSignal.abort(reason) })
        await expect(opening).rejects.toBe(reason)
        expect(harness.world.started).toHaveLength(before)
      })

      it('leaves no process when it is aborted before the address is known', async () => {
        harness.edge.silence()
        const before = harness.world.started.length
        const abort = new AbortController()
        const opening = harness.provider.open(target.url, { signal: abort.signal })
        opening.catch(() => {})
        await expect.poll(() => harness.world.started.length).toBe(before + 1)
        abort.abort(new Error('changed my mind'))
        await expect(opening).rejects.toBe(abort.signal.reason)
        await nothingRuns()
      })

      it('ends as lost when its client is killed', async () => {
        const tunnel = await open()
        process.kill(harness.world.started.at(-1) ?? 0, 'SIGKILL')
        expect(await tunnel.ended).toMatchObject({ reason: 'lost' })
        await tunnel.close()
      })

      it('recovers from a restart of the edge, or ends', async () => {
        const tunnel = await open()
        await harness.edge.refuse()
        await harness.edge.restore()
        let end: TunnelEnd | undefined
        void tunnel.ended.then((value) => {
          end = value
        })
        const address = harness.locate(tunnel.publicUrl)
        const outcome = async () =>
          end?.reason ?? (await visit(address, '/hello').catch(() => undefined))?.text
        await expect.poll(outcome).toMatch(/^(lost|hello GET)$/)
        await tunnel.close()

        const next = await open()
        const answer = await visit(harness.locate(next.publicUrl), '/hello')
        expect(answer.text).toBe('hello GET')
        await next.close()
      })

      it('closes twice, leaves no socket and no timer, and has ended as closed', async () => {
        // One round first: what the edge keeps for the next visitor is not ours.
        await (await open()).close()
        const before = resources()
        const tunnel = await open()
        await Promise.all([tunnel.close(), tunnel.close()])
        await nothingRuns()
        await expect(tunnel.ended).resolves.toMatchObject({ reason: 'closed' })
        // No poll of the test runner's: it holds a timer itself.
        await until(() => resources() <= before, { what: 'nothing more is left than before' })
        await tunnel.close()
      })
    })
  })
}

/** How many processes, pipes, connections and timers this process has. */
function resources(): number {
  const ours = ['ProcessWrap', 'PipeWrap', 'TCPSocketWrap', 'Timeout']
  return process.getActiveResourcesInfo().filter((kind) => ours.includes(kind)).length
}
