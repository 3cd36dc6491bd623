import { hostname, networkInterfaces } from 'node:os'
import { runtimeTrust, variablesOf } from '../clients/runtime-trust.ts'
import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import type { ReadyEvent } from '../gateway-events.ts'
import { systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { isEverywhere } from '../origin/exposure.ts'
import { resolveMkcertRoot } from '../tls/authority.ts'
import { parseCertificates } from '../tls/certificate.ts'
import { findAuthority } from '../tls/issued-certificate.ts'
import {
  authorityRoots,
  createLocalCertificate,
  type LocalCertificate,
  ownFiles,
} from '../tls/local-certificate.ts'
import { type LocalFiles, readLocalFiles } from '../tls/local-files.ts'
import { listenedOn } from '../tls/local-names.ts'
import { type CombineOptions, readRootCertificates } from '../tls/trust-files.ts'

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

/** Looks at the files of a configuration's local certificate, and makes none. */
export function lookAtCertificate(
  config: ResolvedConfig,
  { readText, now }: Pick<Parameters<typeof readLocalFiles>[0], 'readText' | 'now'>,
): Promise<LocalFiles> {
  return readLocalFiles({ home: config.home, own: ownCertificateFiles(config), readText, now })
}

/** The authority of our own or mkcert's that signs what is served; undefined before it is made. */
export function lookAtAuthority(config: ResolvedConfig): ReturnType<typeof findAuthority> {
  const { tls, mkcertRoot } = placeOf(config)
  return findAuthority(authorityRoots(tls, mkcertRoot))
}

/** What to read when a configuration brings a certificate of its own. */
export function ownCertificateFiles(config: ResolvedConfig): ReturnType<typeof ownFiles> {
  return ownFiles(placeOf(config))
}

function placeOf({ home, tls }: ResolvedConfig) {
  const mkcertRoot = resolveMkcertRoot(process.platform, tls.mkcertEnvironment)
  return { home, tls, mkcertRoot, readRoots: readRootCertificates }
}

/** Where the user has variables that name further authorities. */
export function combineOptions({ environment }: ResolvedConfig): CombineOptions {
  const variables = variablesOf(runtimeTrust).map(({ variable }) => variable)
  return { environment, variables }
}

/** Names the local certificate has to cover beyond those of this machine. */
export function servedNames(
  { listen: { host } }: Pick<ResolvedConfig, 'listen'>,
  file: Pick<GatewayFile, 'allowedHosts'>,
): string[] {
  return [...localNames(file), ...(isEverywhere(host) || host === 'localhost' ? [] : [host])]
}

/** Names under `.localhost` that the configuration uses; they mean this machine (RFC 6761 6.3). */
export function localNames(file: Pick<GatewayFile, 'allowedHosts'>): string[] {
  return file.allowedHosts
    .map((host) => host.replace(/:\d+$/, '').toLowerCase())
    .filter((host) => host.endsWith('.localhost'))
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
