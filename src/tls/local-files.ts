import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import {
  type CertificateDescription,
  describeCertificate,
  readableCertificate,
} from './certificate.ts'
import { type CertificateFiles, readCertificateFiles } from './certificate-files.ts'
import { leafFiles } from './leaf.ts'
import { certificatesFolder } from './local-certificate.ts'
import type { ServedCertificate, ServedPair } from './served-certificate.ts'

/** The files of the local certificate as they are; parts that cannot be read are undefined. */
export interface LocalFiles {
  readonly folder: string
  readonly caFile: string
  readonly bundleFile: string
  readonly leaf: LocalPair | undefined
  /** For connections to addresses; see `ServedCertificate.forAddresses`. */
  readonly addresses: LocalPair | undefined
  /** Whom clients must trust. */
  readonly authority: X509Certificate | undefined
}

export interface LocalPair extends ServedPair {
  readonly certificate: X509Certificate
}

/** Looks at what is, or would be, served. Makes and changes nothing. */
export async function readLocalFiles({
  home,
  own,
  readText,
  now,
}: {
  home: string
  /** The user's own files, which are served instead of those in `home`. */
  own: Omit<CertificateFiles, 'now'> | undefined
  readText: (path: string) => Promise<string | undefined>
  /** Ms since the epoch. */
  now: number
}): Promise<LocalFiles> {
  const folder = certificatesFolder(home)
  const place = { folder, caFile: join(folder, 'ca.pem'), bundleFile: join(folder, 'bundle.pem') }
  if (own) return { ...place, ...(await readOwn({ ...own, now })) }
  const pair = async (file: 'localhost' | 'addresses'): Promise<LocalPair | undefined> => {
    const files = leafFiles({ folder, file })
    const [cert, key] = await Promise.all([readText(files.certFile), readText(files.keyFile)])
    const certificate = readableCertificate(cert ?? '')
    return cert && key && certificate ? { ...files, cert, key, certificate } : undefined
  }
  const [leaf, addresses, ca] = await Promise.all([
    pair('localhost'),
    pair('addresses'),
    readText(place.caFile),
  ])
  return { ...place, leaf, addresses, authority: readableCertificate(ca ?? '') }
}

async function readOwn(
  own: CertificateFiles,
): Promise<Pick<LocalFiles, 'leaf' | 'addresses' | 'authority'>> {
  try {
    const served = await readCertificateFiles(own)
    const leaf = { ...served, certificate: new X509Certificate(served.cert) }
    return { leaf, addresses: undefined, authority: readableCertificate(served.caCertPem ?? '') }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    // Whoever needs them says what is wrong with them.
    return { leaf: undefined, addresses: undefined, authority: undefined }
  }
}

/** A certificate and the file it is in, which may hold more behind it. */
interface FiledCertificate extends CertificateDescription {
  readonly file: string
}

/** What is served locally, who signed it, and which files hold what. */
export interface LocalCertificateDescription {
  readonly source: ServedCertificate['source']
  /** For connections that name a host first, then for those that do not, with their keys. */
  readonly certificates: readonly (FiledCertificate & { readonly keyFile: string })[]
  /** Undefined when it is not known. */
  readonly authority: FiledCertificate | undefined
  /** The roots of the system and the authority; undefined when there is none. */
  readonly bundleFile: string | undefined
}

/** Describes the files of a local certificate; undefined when there is none. */
export function describeLocalFiles(
  { leaf, addresses, authority, caFile, bundleFile }: LocalFiles,
  { source, now }: { source: ServedCertificate['source']; now: number },
): LocalCertificateDescription | undefined {
  const certificates = [leaf, addresses].flatMap((pair) =>
    pair
      ? [
          {
            ...describeCertificate(pair.certificate, now),
            file: pair.certFile,
            keyFile: pair.keyFile,
          },
        ]
      : [],
  )
  if (certificates.length === 0) return undefined
  return {
    source,
    certificates,
    authority: authority && { ...describeCertificate(authority, now), file: caFile },
    bundleFile: authority && bundleFile,
  }
}
