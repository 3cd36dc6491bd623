import { connect } from 'node:net'
import { messageOf } from '../errors.ts'
import { type Clock, withDeadline } from '../lib/clock.ts'
import type { HttpSender } from '../lib/http-sender.ts'
import { askForProof, describeAnswer } from '../origin/proof.ts'
import { type ProbeResult, probeAddress } from './probe.ts'
import type { ProbeStreams } from './probe-stream.ts'
import { lookupWith, type ResolveHost } from './resolve-host.ts'

/** What can be learned about a tunnel from outside, through its public address. */
export interface TunnelEdge {
  /** See `probeAddress`. */
  probe(
    origin: string,
    options: {
      skipInterstitialHeader: string | undefined
      signal: AbortSignal
      onProgress: (what: string) => void
    },
  ): Promise<ProbeResult>
  /** Keeps a connection for health checks; `onDropped` tells when the edge ended it by itself. */
  openHealthLine(origin: string, options: { onDropped: () => void }): HealthLine
  /** How far the edge is up, whatever became of our tunnel. Never rejects. */
  look(
    places: { publicUrl: string | undefined; service: URL | undefined },
    signal: AbortSignal,
  ): Promise<EdgeView>
}

export interface HealthLine {
  check(signal: AbortSignal): Promise<Health>
  close(): Promise<void>
}

/**
 * `reason` is the rest of a sentence about the address.
 * @internal
 */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string }

export interface TunnelEdgeOptions {
  readonly prove: (challenge: string) => string
  readonly streams: ProbeStreams
  readonly createSender: (options?: { onDropped: () => void }) => HttpSender
  /** Whether something accepts connections at a host and port. */
  readonly canConnect: (place: URL, signal: AbortSignal) => Promise<boolean>
  readonly clock: Clock
}

const checkMs = 4_000
const lookMs = 1_500
/**
 * An edge that closes idle connections by habit must not cause checks without end, and one that
 * closes after each answer none at all, ms.
 */
const quietMs = 15_000
const idleMs = 2_000

export function createTunnelEdge(options: TunnelEdgeOptions): TunnelEdge {
  const { prove, createSender, canConnect, clock } = options

  async function viewOfAddress(origin: string, signal: AbortSignal): Promise<EdgeView> {
    const sender = createSender()
    try {
      const answer = await askForProof(origin, { sender, prove, signal })
      if (answer.kind === 'silence') return 'silent'
      return answer.kind === 'proven' ? 'answering' : viewOfStatus(answer.status)
    } finally {
      await sender.close()
    }
  }

  async function viewOfService(service: URL, signal: AbortSignal): Promise<EdgeView> {
    return (await canConnect(service, signal)) ? 'answering' : 'silent'
  }

  return {
    async probe(origin, probing) {
      const sender = createSender()
      try {
        return await probeAddress(origin, { ...options, ...probing, sender })
      } finally {
        await sender.close()
      }
    },
    openHealthLine: (origin, { onDropped }) => openHealthLine(origin, { ...options, onDropped }),
    async look({ publicUrl, service }, signal) {
      const ask = (inTime: AbortSignal) =>
        Promise.all([
          ...(publicUrl === undefined ? [] : [viewOfAddress(publicUrl, inTime)]),
          ...(service === undefined ? [] : [viewOfService(service, inTime)]),
        ])
      try {
        return worstView(await withDeadline(ask, { clock, ms: lookMs, signal }))
      } catch {
        // Neither answer nor refusal in time is what `silent` says.
        return 'silent'
      }
    },
  }
}

function openHealthLine(
  origin: string,
  options: TunnelEdgeOptions & { onDropped: () => void },
): HealthLine {
  const { prove, createSender, clock, onDropped } = options
  let answeredAt = -Infinity
  let toldAt = -Infinity
  const sender = createSender({
    onDropped() {
      if (clock.now() - answeredAt < idleMs || clock.now() - toldAt < quietMs) return
      toldAt = clock.now()
      onDropped()
    },
  })
  return {
    async check(signal) {
      try {
        const ask = (inTime: AbortSignal) => askForProof(origin, { sender, prove, signal: inTime })
        const answer = await withDeadline(ask, { clock, ms: checkMs, signal })
        return answer.kind === 'proven'
          ? { ok: true }
          : { ok: false, reason: describeAnswer(answer) }
      } catch (error) {
        return { ok: false, reason: messageOf(error) }
      } finally {
        answeredAt = clock.now()
      }
    },
    close: () => sender.close(),
  }
}

/**
 * How an edge looks from outside. `silent`: no answer at all. `failing`: an error of the server's,
 * such as a proxy's whose own service is away. `answering`: anything else, be it "no such tunnel".
 */
export type EdgeView = 'silent' | 'failing' | 'answering'

const fromWorst: readonly EdgeView[] = ['silent', 'failing', 'answering']

function viewOfStatus(status: number): EdgeView {
  return status >= 500 ? 'failing' : 'answering'
}

/** The worst of several; `answering` when there was nothing to look at. */
function worstView(views: readonly EdgeView[]): EdgeView {
  return fromWorst.find((view) => views.includes(view)) ?? 'answering'
}

/** Whether the edge came further up between two looks. */
export function isImprovement(before: EdgeView, now: EdgeView): boolean {
  return fromWorst.indexOf(now) > fromWorst.indexOf(before)
}

const standardPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** Creates the check whether something accepts TCP connections at a host and port. */
export function createCanConnect(
  resolveHost: ResolveHost,
): (place: URL, signal: AbortSignal) => Promise<boolean> {
  return (place, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve(false)
      const socket = connect({
        host: place.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(place.port || (standardPorts[place.protocol] ?? 443)),
        lookup: lookupWith(resolveHost),
      })
      const settle = (connected: boolean) => {
        signal.removeEventListener('abort', onAbort)
        socket.destroy()
        resolve(connected)
      }
      const onAbort = () => settle(false)
      socket.once('connect', () => settle(true))
      socket.once('error', () => settle(false))
      signal.addEventListener('abort', onAbort, { once: true })
    })
}
