import type { X509Certificate } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { messageOf } from '../errors.ts'
import type { UpstreamTls } from '../lib/upstream-connections.ts'
import { kindOf } from './upstream/tls-failures.ts'

/** What a connection to a TLS server showed. */
export type TlsObservation =
  | {
      readonly outcome: 'connected'
      readonly protocol: string
      /** What the server sent, leaf first, as far as each was issued by the next. */
      readonly chain: readonly X509Certificate[]
      /** OpenSSL's code for why the chain or the name does not verify; undefined when they do. */
      readonly problem: string | undefined
      readonly clientCertificate: ClientCertificateDemand
    }
  | {
      readonly outcome: 'failed'
      readonly code: string
      /** In the words of the system or of OpenSSL. */
      readonly reason: string
      /** Whether what does not speak TLS answers in HTTP. */
      readonly isHttp: boolean
      readonly clientCertificate: ClientCertificateDemand
    }

/** `rejected`: the server ended the connection because of ours, or because it got none. */
type ClientCertificateDemand = 'none' | 'optional' | 'rejected'

interface TlsTarget {
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** What is trusted and presented; `ca` is everything, the roots of the system included. */
  readonly tls: UpstreamTls
  readonly timeoutMs: number
}

/** In TLS 1.3 a server refuses a client's certificate only after the handshake, ms. */
const refusalWaitMs = 400
/** How long the other side may take to say goodbye, ms. */
const farewellMs = 300

/** Shakes hands with a server and closes again: nothing is sent, so nothing has to be trusted. */
export async function observeTls(target: TlsTarget): Promise<TlsObservation> {
  const observed = await shakeHands(target)
  return observed.outcome === 'failed' && kindOf(observed.code) === 'not-tls'
    ? { ...observed, isHttp: await answersHttp(target) }
    : observed
}

function shakeHands({ host, port, tls, timeoutMs }: TlsTarget): Promise<TlsObservation> {
  const { promise, resolve } = Promise.withResolvers<TlsObservation>()
  const socket = connect({
    host,
    port,
    ca: [...tls.ca],
    ...tls.clientCertificate,
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    // The verdict is in authorizationError all the same; this only lets the chain be seen.
    rejectUnauthorized: false,
  })
  let seen: Extract<TlsObservation, { outcome: 'connected' }> | undefined
  // A client knows common signature algorithms only when it was asked for a certificate.
  function demand(rejected: boolean): ClientCertificateDemand {
    // Null, whatever the types say, before there is a connection and after its end.
    const algorithms: readonly string[] | null = socket.getSharedSigalgs()
    if (!algorithms?.length) return 'none'
    return rejected ? 'rejected' : 'optional'
  }

  let isFinished = false
  function finish(observation: TlsObservation): void {
    if (isFinished) return
    isFinished = true
    clearTimeout(timer)
    const end = () => {
      clearTimeout(farewell)
      resolve(observation)
      socket.destroy()
    }
    const farewell = setTimeout(end, farewellMs)
    if (observation.outcome === 'failed') end()
    // A server takes whoever goes without a word for one that hung up.
    else socket.once('close', end).resume().end()
  }
  function fail(code: string, reason: string): void {
    if (seen) finish({ ...seen, clientCertificate: 'rejected' })
    else finish({ outcome: 'failed', code, reason, isHttp: false, clientCertificate: demand(true) })
  }

  const timer = setTimeout(() => fail('ETIMEDOUT', 'it does not answer'), timeoutMs)
  socket.once('secureConnect', () => {
    seen = observationOf(socket, demand(false))
    if (demand(false) === 'none') finish(seen)
    else setTimeout(finish, refusalWaitMs, seen)
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const { code = error.message } = error
    fail(code, messageOf(error) || code)
  })
  // A server that wants no more ends the connection without a word.
  socket.once('close', () => fail('ECONNRESET', 'it ended the connection'))
  return promise
}

function observationOf(
  socket: TLSSocket,
  clientCertificate: ClientCertificateDemand,
): Extract<TlsObservation, { outcome: 'connected' }> {
  const chain: X509Certificate[] = []
  let next = socket.getPeerX509Certificate()
  while (next && !chain.some(({ fingerprint256 }) => fingerprint256 === next?.fingerprint256)) {
    chain.push(next)
    next = next.issuerCertificate
  }
  const error: unknown = socket.authorizationError
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : error
  return {
    outcome: 'connected',
    protocol: socket.getProtocol() ?? 'unknown',
    chain,
    problem: code ? String(code) : undefined,
    clientCertificate,
  }
}

/** Whether what does not speak TLS speaks HTTP. */
function answersHttp({ host, port, timeoutMs }: TlsTarget): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connectTcp({ host, port }, () => {
    socket.write('HEAD / HTTP/1.0\r\n\r\n')
  })
  socket.setTimeout(Math.min(timeoutMs, 2_000), () => resolve(false))
  socket.once('data', (data) => resolve(data.subarray(0, 5).toString('latin1') === 'HTTP/'))
  socket.once('error', () => resolve(false))
  socket.once('close', () => resolve(false))
  void promise.finally(() => socket.destroy())
  return promise
}
