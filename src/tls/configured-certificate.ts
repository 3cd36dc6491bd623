import type { GatewayFile, ResolvedConfig } from '../config/resolved-config.ts'
import { isEverywhere } from '../origin/exposure.ts'
import { resolveMkcertRoot } from './authority.ts'
import { findAuthority } from './issued-certificate.ts'
import { authorityRoots, ownFiles } from './local-certificate.ts'
import { type LocalFiles, readLocalFiles } from './local-files.ts'
import { readRootCertificates } from './trust-files.ts'

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

/** Where the certificates of a configuration are, and what they are made from. */
export function placeOf({ home, tls }: ResolvedConfig) {
  const mkcertRoot = resolveMkcertRoot(process.platform, tls.mkcertEnvironment)
  return { home, tls, mkcertRoot, readRoots: readRootCertificates }
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
