/** How a family of distributions keeps the roots that its administrator adds. */
export interface LinuxLayout {
  readonly family: 'fedora' | 'debian' | 'alpine' | 'arch' | 'suse'
  /** Folder of the administrator's certificates. */
  readonly anchors: string
  /** The update reads no file that ends otherwise. */
  readonly extension: '.crt' | '.pem'
  /** Makes the system see what changed in that folder. */
  readonly update: readonly string[]
  readonly updateAfterRemoval: readonly string[]
  /** What programs read: every root that is trusted, as PEM. */
  readonly bundle: string
}

/** In the order they are looked for: some systems have several of these folders. */
export const linuxLayouts: readonly LinuxLayout[] = [
  {
    family: 'fedora',
    anchors: '/etc/pki/ca-trust/source/anchors',
    extension: '.pem',
    update: ['update-ca-trust', 'extract'],
    updateAfterRemoval: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    family: 'arch',
    anchors: '/etc/ca-certificates/trust-source/anchors',
    extension: '.crt',
    update: ['trust', 'extract-compat'],
    updateAfterRemoval: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    family: 'suse',
    anchors: '/etc/pki/trust/anchors',
    extension: '.pem',
    update: ['update-ca-certificates'],
    updateAfterRemoval: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
  {
    family: 'alpine',
    anchors: '/usr/local/share/ca-certificates',
    extension: '.crt',
    update: ['update-ca-certificates'],
    updateAfterRemoval: ['update-ca-certificates'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
  {
    family: 'debian',
    anchors: '/usr/local/share/ca-certificates',
    extension: '.crt',
    update: ['update-ca-certificates'],
    // Otherwise the links to what is gone stay in /etc/ssl/certs.
    updateAfterRemoval: ['update-ca-certificates', '--fresh'],
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
