import type { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readableCertificates } from '../certificate.ts'
import { shortFingerprint, type TrustStore } from './trust-store.ts'

/** The roots of a Linux system, which curl, git, Python and most other programs read. */
export function createLinuxStore(options: {
  layout: LinuxLayout
  /** Where the program that updates the system is; undefined when it is not installed. */
  updater: string | undefined
}): TrustStore {
  const { layout, updater } = options
  const program = updater ?? layout.update[0] ?? ''
  const update = (flags: readonly string[] = []) => ({
    argv: [program, ...flags, ...layout.update.slice(1)],
    asRoot: true,
  })
  return {
    kind: 'system',
    place: layout.bundle,
    async check() {
      if (updater === undefined) {
        return {
          present: false,
          reason: `The program ${program} is not installed.`,
          hint: 'Install the package ca-certificates.',
        }
      }
      const trusted = await certificatesOf(layout.bundle)
      const anchors = await anchorsOf(layout)
      const all = [...trusted, ...anchors.map(({ certificate }) => certificate)]
      const isSame = (one: X509Certificate) => (other: X509Certificate) =>
        one.fingerprint256 === other.fingerprint256
      return {
        present: true,
        certificates: all
          .filter((certificate, index) => all.findIndex(isSame(certificate)) === index)
          .map((certificate) => ({
            certificate,
            isTrusted: trusted.some(isSame(certificate)),
            handle: anchors.find((anchor) => isSame(certificate)(anchor.certificate))?.file ?? '',
          })),
      }
    },
    install({ certificate, file }) {
      const name = `sallyport-${shortFingerprint(certificate)}${layout.extension}`
      const place = join(layout.anchors, name)
      return [{ argv: ['install', '-m', '0644', file, place], asRoot: true }, update()]
    },
    remove(certificates) {
      const files = certificates.map(({ handle }) => handle)
      return [{ argv: ['rm', '-f', ...files], asRoot: true }, update(layout.afterRemoval)]
    },
  }
}

async function anchorsOf({ anchors, extension }: LinuxLayout) {
  const names = await readdir(anchors).catch((): string[] => [])
  const files = names.filter((name) => name.endsWith(extension)).map((name) => join(anchors, name))
  const read = async (file: string) =>
    (await certificatesOf(file)).map((certificate) => ({ file, certificate }))
  return (await Promise.all(files.map(read))).flat()
}

async function certificatesOf(file: string): Promise<X509Certificate[]> {
  // Where there is no such file, nothing is trusted.
  return readableCertificates(await readFile(file, 'utf8').catch(() => ''))
}

/** How a family of distributions keeps the roots that its administrator adds. */
export interface LinuxLayout {
  readonly family: 'fedora' | 'debian' | 'alpine' | 'arch' | 'suse'
  /** Folder of the administrator's certificates. */
  readonly anchors: string
  /** The update reads no file that ends otherwise. */
  readonly extension: '.crt' | '.pem'
  /** Makes the system see what changed in that folder. */
  readonly update: readonly string[]
  /** What it needs besides to see what was removed. */
  readonly afterRemoval?: readonly string[]
  /** What programs read: every root that is trusted, as PEM. */
  readonly bundle: string
}

/** In the order they are looked for: some systems have several of these folders. */
const linuxLayouts: readonly LinuxLayout[] = [
  {
    family: 'fedora',
    anchors: '/etc/pki/ca-trust/source/anchors',
    extension: '.pem',
    update: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    family: 'arch',
    anchors: '/etc/ca-certificates/trust-source/anchors',
    extension: '.crt',
    update: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    family: 'suse',
    anchors: '/etc/pki/trust/anchors',
    extension: '.pem',
    update: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
  {
    family: 'alpine',
    anchors: '/usr/local/share/ca-certificates',
    extension: '.crt',
    update: ['update-ca-certificates'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
  {
    family: 'debian',
    anchors: '/usr/local/share/ca-certificates',
    extension: '.crt',
    update: ['update-ca-certificates'],
    // Otherwise the links to what is gone stay in /etc/ssl/certs.
    afterRemoval: ['--fresh'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
]

/** Which of them a machine has; undefined for a distribution we do not know. */
export function selectLayout(exists: (path: string) => boolean): LinuxLayout | undefined {
  return linuxLayouts.find(
    ({ family, anchors }) =>
      exists(anchors) && (family !== 'alpine' || exists('/etc/alpine-release')),
  )
}
