import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { DoctorWorld } from './world.ts'

/** What lies in the folder of the local certificate; parts that cannot be read are undefined. */
export interface LocalFiles {
  readonly folder: string
  readonly caFile: string
  readonly bundleFile: string
  readonly leaf: PemPair | undefined
  /** For connections to addresses; see `ServedCertificate.forAddresses`. */
  readonly addresses: PemPair | undefined
  readonly authority: X509Certificate | undefined
}

export interface PemPair {
  readonly certFile: string
  readonly cert: string
  readonly key: string
  readonly certificate: X509Certificate
}

/** Reads what a gateway made for itself in `<home>/certs`. */
export async function readLocalFiles({
  home,
  readText,
}: Pick<DoctorWorld, 'home' | 'readText'>): Promise<LocalFiles> {
  const folder = join(home, 'certs')
  const caFile = join(folder, 'ca.pem')
  const pair = async (name: string): Promise<PemPair | undefined> => {
    const certFile = join(folder, `${name}.pem`)
    const [cert, key] = await Promise.all([
      readText(certFile),
      readText(join(folder, `${name}-key.pem`)),
    ])
    const certificate = parse(cert)
    return cert && key && certificate ? { certFile, cert, key, certificate } : undefined
  }
  const [leaf, addresses, ca] = await Promise.all([
    pair('localhost'),
    pair('addresses'),
    readText(caFile),
  ])
  const bundleFile = join(folder, 'bundle.pem')
  return { folder, caFile, bundleFile, leaf, addresses, authority: parse(ca) }
}

function parse(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem)
  } catch {
    // Damaged: whoever needs it says so.
    return undefined
  }
}

/** `Sallyport local CA`, or whatever names the subject of a certificate best. */
export function nameOf(distinguishedName: string): string {
  return /^(?:CN|O)=(.+)$/m.exec(distinguishedName)?.[1] ?? distinguishedName.replaceAll('\n', ', ')
}
