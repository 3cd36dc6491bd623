import { X509Certificate } from 'node:crypto'
import type { UpstreamTls } from '../../lib/upstream-connections.ts'
import { type CertificateDescription, describeCertificate } from '../certificate.ts'
import { observeTls, type TlsObservation } from '../observe-tls.ts'
import { explainTls, type TlsExplanation } from './explain-tls.ts'
import { tlsAddressOf } from './tls-failures.ts'

export interface UpstreamDiagnosis extends TlsExplanation {
  readonly server: string
  readonly url: string
  /** What the server sent, leaf first; empty when no handshake came about. */
  readonly chain: readonly CertificateDescription[]
  readonly protocol: string | undefined
  readonly clientCertificate: TlsObservation['clientCertificate']
}

/**
 * Connects to the server at `url` as upstream connections do, sends nothing, and explains what it
 * saw. `roots` (PEM) are trusted beside what `tls` holds; `now` is in ms since the epoch.
 */
export async function diagnoseUpstream(options: {
  server: string
  url: string
  tls: UpstreamTls | undefined
  roots: readonly string[]
  timeoutMs: number
  now: number
}): Promise<UpstreamDiagnosis> {
  const { server, url, tls = { ca: [] }, now } = options
  if (new URL(url).protocol !== 'https:') return withoutTls(server, url)
  const target = tlsAddressOf(new URL(url))
  const observation = await observeTls({
    ...target,
    tls: { ...tls, ca: [...options.roots, ...tls.ca] },
    timeoutMs: options.timeoutMs,
  })
  const explanation = explainTls({
    server,
    ...target,
    observation,
    bundle: tls.ca.map((pem) => new X509Certificate(pem)),
    roots: options.roots,
    presented: tls.clientCertificate !== undefined,
    now,
  })
  return { server, url, ...explanation, ...shown(observation, now) }
}

function shown(observation: TlsObservation, now: number) {
  const { clientCertificate } = observation
  if (observation.outcome === 'failed') return { chain: [], protocol: undefined, clientCertificate }
  const chain = observation.chain.map((one) => describeCertificate(one, now))
  return { chain, protocol: observation.protocol, clientCertificate }
}

function withoutTls(server: string, url: string): UpstreamDiagnosis {
  const findings = [
    {
      kind: 'no-tls' as const,
      message:
        'Its "url" begins with http://, so nothing is encrypted and nothing can be verified.',
      fix: 'Write https:// in the configuration file if the server speaks it.',
      command: undefined,
    },
  ]
  const nothing = { chain: [], protocol: undefined, clientCertificate: 'none' as const }
  return { server, url, verifies: false, findings, cautions: [], ...nothing }
}
