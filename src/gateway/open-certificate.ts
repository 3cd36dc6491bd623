import { hostname, networkInterfaces } from 'node:os'
import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import { systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createLocalCertificate, type LocalCertificate } from '../tls/local-certificate.ts'
import { resolveMkcertRoot } from '../tls/mkcert-root.ts'
import { readRootCertificates } from '../tls/root-certificates.ts'

/**
 * Opens the local certificate of a configuration. The gateway and `sallyport certs` both come
 * through here, so that neither issues again what the other has issued.
 * @throws UserError CA_UNUSABLE, CERTIFICATE_INVALID or CERTIFICATE_UNWRITABLE
 */
export function openCertificate(
  config: ResolvedConfig,
  options: { file: () => GatewayFile; logger: Logger },
): Promise<LocalCertificate> {
  return createLocalCertificate({
    home: config.home,
    tls: config.tls,
    mkcertRoot: resolveMkcertRoot(process.platform, config.tls.mkcertEnvironment),
    hostname: hostname(),
    names: () => localNames(options.file()),
    interfaces: networkInterfaces,
    readRoots: readRootCertificates,
    clock: systemClock,
    logger: options.logger,
  })
}

/** Names under `.localhost` that the configuration uses; they mean this machine (RFC 6761 6.3). */
export function localNames(file: Pick<GatewayFile, 'allowedHosts'>): string[] {
  return file.allowedHosts
    .map((host) => host.replace(/:\d+$/, '').toLowerCase())
    .filter((host) => host.endsWith('.localhost'))
}
