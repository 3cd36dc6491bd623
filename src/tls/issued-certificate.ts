import { access, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { UserError } from '../errors.ts'
import type { Logger } from '../lib/logger.ts'
import { type Authority, authorityFiles, readAuthority } from './authority.ts'
import { parseCertificates, subjectNames } from './certificate.ts'
import { ensureLeaf, type Leaf, type LeafFile } from './leaf.ts'
import { type NetworkInterfaces, resolveLeafNames } from './local-names.ts'
import { loadOwnAuthority } from './own-authority.ts'
import type { ServedCertificate, ServedPair } from './served-certificate.ts'

/** What a certificate of our own making depends on. */
export interface IssueOptions {
  /** Folder of our own authority. */
  readonly caRoot: string
  /** Folder where mkcert keeps its authority, which is preferred; undefined ignores mkcert. */
  readonly mkcertRoot: string | undefined
  /** Folder of the leaf. */
  readonly folder: string
  /** This machine's name; a new authority may sign for it if it has a domain. */
  readonly hostname: string
  readonly names: readonly string[]
  readonly interfaces: NetworkInterfaces
  readonly logger: Logger
}

/**
 * Returns a certificate signed by mkcert's authority if there is a usable one, else by our own;
 * makes whatever is missing or outdated. `now` is in ms since the epoch; `force` issues a new leaf.
 * Throws UserError CA_UNUSABLE or CERTIFICATE_UNWRITABLE.
 */
export async function obtainIssuedCertificate(
  options: IssueOptions,
  { now, force }: { now: number; force: boolean },
): Promise<ServedCertificate> {
  const { authority, warnings } = await selectAuthority(options, now)
  const { names, refused } = resolveLeafNames({ ...options, permitted: authority.permitted })
  const { folder, logger } = options
  const ensure = (file: LeafFile, covered: readonly string[]) =>
    ensureLeaf({ folder, file, authority, names: covered, now, force, logger })
  const isConstrained = authority.permitted !== undefined
  const leaf = await ensure('localhost', isConstrained ? names.filter(isDnsName) : names)
  const forAddresses = isConstrained ? await ensure('addresses', names) : undefined
  return {
    ...pairOf(leaf),
    forAddresses: forAddresses && pairOf(forAddresses),
    caCertPem: authority.certificate.toString(),
    fingerprint256: leaf.certificate.fingerprint256,
    notAfter: leaf.certificate.validToDate,
    names: subjectNames((forAddresses ?? leaf).certificate),
    source: authority.source,
    warnings: refused.length > 0 ? [...warnings, refusedNames(refused)] : warnings,
  }
}

function pairOf({ cert, key, certFile, keyFile }: Leaf): ServedPair {
  return { cert, key, certFile, keyFile }
}

function isDnsName(name: string): boolean {
  return isIP(name) === 0
}

async function selectAuthority(
  options: IssueOptions,
  now: number,
): Promise<{ authority: Authority; warnings: UserError[] }> {
  const warnings: UserError[] = []
  const { mkcertRoot } = options
  if (mkcertRoot !== undefined && (await holdsAuthority(mkcertRoot))) {
    try {
      const authority = await readAuthority(mkcertRoot, { source: 'mkcert', now })
      return { authority, warnings }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      warnings.push(mkcertSkipped(mkcertRoot, error))
    }
  }
  const authority = await loadOwnAuthority(options.caRoot, { hostname: options.hostname, now })
  return { authority, warnings }
}

/** The authority that signs, or would, without what is needed to sign; undefined before it is made. */
export async function findAuthority({
  caRoot,
  mkcertRoot,
}: Pick<IssueOptions, 'caRoot' | 'mkcertRoot'>) {
  const isMkcert = mkcertRoot !== undefined && (await holdsAuthority(mkcertRoot))
  const { certFile: file } = authorityFiles(isMkcert ? mkcertRoot : caRoot)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  const [certificate] = text === undefined ? [] : parseCertificates(text)
  const source: Authority['source'] = isMkcert ? 'mkcert' : 'own-ca'
  return certificate && { source, file, certificate }
}

async function holdsAuthority(root: string): Promise<boolean> {
  const { certFile, keyFile } = authorityFiles(root)
  return Promise.all([access(certFile), access(keyFile)]).then(
    () => true,
    () => false,
  )
}

function mkcertSkipped(root: string, cause: UserError): UserError {
  return new UserError('CA_UNUSABLE', `mkcert's authority is not used. ${cause.message}`, {
    hint: `Our own authority signs instead. Repair the one in ${root}, or move it away.`,
    cause,
  })
}

function refusedNames(names: readonly string[]): UserError {
  const list = names.map((name) => JSON.stringify(name)).join(', ')
  return new UserError('CERTIFICATE_INVALID', `The local certificate does not cover ${list}.`, {
    hint:
      'Our authority signs for local names only. Use a name under .localhost or .local, or your ' +
      'own certificate through SSL_CERT_PATH and SSL_KEY_PATH.',
  })
}
