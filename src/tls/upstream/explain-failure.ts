import type { FailedStage, TlsObservation } from '../observe-tls.ts'
import { explainClientCertificate } from './explain-client-certificate.ts'
import type { TlsFacts, TlsFinding } from './tls-facts.ts'

type Failed = Extract<TlsObservation, { outcome: 'failed' }>

const urlSetting = 'the "url" of the server in the configuration file'

/** Says why no handshake came about. */
export function explainFailure(facts: TlsFacts, failed: Failed): TlsFinding {
  if (failed.stage !== 'handshake') return finding(failed.stage, texts[failed.stage](facts))
  if (failed.clientCertificate === 'rejected') return explainClientCertificate(facts)
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(failed.code)) {
    return finding('old-protocol', {
      message: 'The server speaks only versions of TLS before 1.2, which are broken.',
      fix: 'Have TLS 1.2 or 1.3 switched on there.',
    })
  }
  if (/TOO_SMALL|TOO_WEAK/.test(failed.code)) {
    return finding('too-weak', {
      message: `The server's certificate or key is too weak (${failed.code}).`,
      fix: 'Have it issued anew with a P-256 key, or an RSA key of 2048 bits, and SHA-256.',
    })
  }
  return finding('handshake', {
    message: `The server ended the TLS handshake (${failed.code}).`,
    fix: `Check that ${urlSetting} names the host as the server knows it, and look at the server's log.`,
  })
}

interface Text {
  readonly message: string
  readonly fix: string
}

const texts: Record<Exclude<FailedStage, 'handshake'>, (facts: TlsFacts) => Text> = {
  dns: ({ host }) => ({
    message: `The name ${host} cannot be resolved.`,
    fix: `Check ${urlSetting}, the network, and whether a VPN is needed.`,
  }),
  refused: ({ host, port }) => ({
    message: `Nothing listens on port ${port} of ${host}: the connection was refused.`,
    fix: `Start the server, or correct the port in ${urlSetting}.`,
  }),
  timeout: ({ host, port }) => ({
    message: `Port ${port} of ${host} did not answer in time.`,
    fix: 'Check that the server runs, and that no firewall or VPN stands between.',
  }),
  unreachable: ({ host }) => ({
    message: `${host} cannot be reached from this machine.`,
    fix: 'Check the network and whether a VPN is needed.',
  }),
  'plain-http': ({ host, port }) => ({
    message: `Port ${port} of ${host} answers in plain HTTP, without TLS.`,
    fix: `Use the port that speaks HTTPS, or write http:// in ${urlSetting}.`,
  }),
  'not-tls': ({ host, port }) => ({
    message: `Port ${port} of ${host} answers in something else than TLS.`,
    fix: `Correct the port in ${urlSetting}.`,
  }),
}

function finding(kind: TlsFinding['kind'], text: Text): TlsFinding {
  return { kind, ...text, command: undefined }
}
