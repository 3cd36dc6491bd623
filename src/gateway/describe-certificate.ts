import type { ReadyEvent } from '../gateway-events.ts'
import { parseCertificates } from '../tls/certificate.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'

/** What `ready` tells of the local certificate; nothing where there is none. */
export function describeCertificate(
  certificate: LocalCertificate | undefined,
): Partial<ReadyEvent> {
  if (!certificate) return {}
  const { certFile, fingerprint256, caCertPem } = certificate.current()
  const [authority] = parseCertificates(caCertPem ?? '')
  return {
    ...trustFilesOf(certificate),
    ...(authority && { caFingerprint: authority.fingerprint256 }),
    certFile,
    certFingerprint: fingerprint256,
  }
}

/** Where the authority and the bundles are; undefined where they are not known. */
export function trustFilesOf(certificate: LocalCertificate | undefined) {
  const { caFile, bundleFile, combinedFiles = {} } = certificate ?? {}
  if (caFile === undefined) return undefined
  const hasCombined = Object.keys(combinedFiles).length > 0
  return {
    caFile,
    ...(bundleFile !== undefined && { bundleFile }),
    ...(hasCombined && { combinedFiles }),
  }
}
