import { hostname, networkInterfaces } from 'node:os'
import { runtimeTrust, variablesOf } from '../clients/runtime-trust.ts'
import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { ReadyEvent } from '../gateway-events.ts'
import { systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { parseCertificates } from '../tls/certificate.ts'
import { placeOf, servedNames } from '../tls/configured-certificate.ts'
import { createLocalCertificate, type LocalCertificate } from '../tls/local-certificate.ts'
import { listenedOn } from '../tls/local-names.ts'
import type { CombineOptions } from '../tls/trust-files.ts'

/**
 * Opens the local certificate of a configuration. The gateway and `sallyport certs` both come
 * through here, so that neither issues again what the other has issued.
 * @throws UserError CA_UNUSABLE, CERTIFICATE_INVALID or CERTIFICATE_UNWRITABLE
 */
export function openCertificate(
  config: ResolvedConfig,
  options: { file: () => GatewayFile; logger: Logger },
): Promise<LocalCertificate> {
  const { host } = config.listen
  return createLocalCertificate({
    ...placeOf(config),
    hostname: hostname(),
    names: () => servedNames(config, options.file()),
    interfaces: () => listenedOn(host, networkInterfaces()),
    combine: combineOptions(config),
    clock: systemClock,
    logger: options.logger,
  })
}

/** Where the user has variables that name further authorities. */
export function combineOptions({ environment }: ResolvedConfig): CombineOptions {
  const variables = variablesOf(runtimeTrust).map(({ variable }) => variable)
  return { environment, variables }
}

/** What `ready` tells of the local certificate; nothing where there is none. */
export function readyCertificate(certificate: LocalCertificate | undefined): Partial<ReadyEvent> {
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
