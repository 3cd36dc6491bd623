import type { ReadyEvent } from '../gateway-events.ts'
import type { LocalCertificate } from '../tls/local-certificate.ts'

/** What `ready` tells of the local certificate; nothing where there is none. */
export function describeCertificate(
  certificate: LocalCertificate | undefined,
): Partial<ReadyEvent> {
  if (!certificate) return {}
  const { caFile, bundleFile } = certificate
  return {
    ...(caFile !== undefined && { caFile }),
    ...(bundleFile !== undefined && { bundleFile }),
    fingerprint: certificate.current().fingerprint256,
  }
}

/** Where the authority and the bundle are; undefined where clients need neither. */
export function trustFilesOf(certificate: LocalCertificate | undefined) {
  const { caFile, bundleFile } = certificate ?? {}
  return caFile === undefined ? undefined : { caFile, bundleFile }
}
