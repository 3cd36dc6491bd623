import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../../../src/lib/programs.ts'
import { createLinuxStore, selectLayout } from '../../../src/tls/stores/linux-store.ts'
import { createMacosStore } from '../../../src/tls/stores/macos-store.ts'
import {
  argvOf,
  formatCommand,
  type TrustedAuthority,
  type TrustStore,
} from '../../../src/tls/stores/trust-store.ts'
import { createWindowsStore } from '../../../src/tls/stores/windows-store.ts'
import { createTestAuthority } from '../lab.ts'

const file = "/home/ada o'hara/ca/rootCA.pem"
let authority: TrustedAuthority
let id: string

beforeAll(async () => {
  const { certPem } = await createTestAuthority()
  authority = { certificate: new X509Certificate(certPem), file }
  id = authority.certificate.fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()
})

const nothing = async () => ({ code: 0, stdout: '', stderr: '' })

/** What a system of each family has of the places that are looked for. */
const folders = {
  fedora: ['/etc/pki/ca-trust/source/anchors', '/usr/share/pki/trust/anchors'],
  debian: ['/usr/local/share/ca-certificates'],
  alpine: ['/usr/local/share/ca-certificates', '/etc/alpine-release'],
  arch: ['/etc/ca-certificates/trust-source/anchors'],
  suse: ['/etc/pki/trust/anchors'],
}

function linux(family: keyof typeof folders): TrustStore {
  const layout = selectLayout((path) => folders[family].includes(path))
  if (!layout) throw new Error(`no layout of ${family}`)
  return createLinuxStore({ layout, updater: `/usr/sbin/${layout.update[0]}` })
}

const quoted = `'/home/ada o'\\''hara/ca/rootCA.pem'`
const certutil = 'C:\\Windows\\System32\\certutil.exe'
const keychain = '/Library/Keychains/System.keychain'
const stores: readonly [string, NodeJS.Platform, () => TrustStore, string[], string[]][] = [
  [
    'debian',
    'linux',
    () => linux('debian'),
    [
      `sudo install -m 0644 ${quoted} /usr/local/share/ca-certificates/sallyport-ID.crt`,
      'sudo /usr/sbin/update-ca-certificates',
    ],
    ['sudo rm -f HANDLE', 'sudo /usr/sbin/update-ca-certificates --fresh'],
  ],
  [
    'alpine',
    'linux',
    () => linux('alpine'),
    [
      `sudo install -m 0644 ${quoted} /usr/local/share/ca-certificates/sallyport-ID.crt`,
      'sudo /usr/sbin/update-ca-certificates',
    ],
    ['sudo rm -f HANDLE', 'sudo /usr/sbin/update-ca-certificates'],
  ],
  [
    'fedora',
    'linux',
    () => linux('fedora'),
    [
      `sudo install -m 0644 ${quoted} /etc/pki/ca-trust/source/anchors/sallyport-ID.pem`,
      'sudo /usr/sbin/update-ca-trust extract',
    ],
    ['sudo rm -f HANDLE', 'sudo /usr/sbin/update-ca-trust extract'],
  ],
  [
    'arch',
    'linux',
    () => linux('arch'),
    [
      `sudo install -m 0644 ${quoted} /etc/ca-certificates/trust-source/anchors/sallyport-ID.crt`,
      'sudo /usr/sbin/trust extract-compat',
    ],
    ['sudo rm -f HANDLE', 'sudo /usr/sbin/trust extract-compat'],
  ],
  [
    'suse',
    'linux',
    () => linux('suse'),
    [
      `sudo install -m 0644 ${quoted} /etc/pki/trust/anchors/sallyport-ID.pem`,
      'sudo /usr/sbin/update-ca-certificates',
    ],
    ['sudo rm -f HANDLE', 'sudo /usr/sbin/update-ca-certificates'],
  ],
  [
    'macOS',
    'darwin',
    () => createMacosStore({ run: nothing }),
    [`sudo /usr/bin/security add-trusted-cert -d -r trustRoot -k ${keychain} ${quoted}`],
    [`sudo /usr/bin/security delete-certificate -Z HANDLE -t ${keychain}`],
  ],
  [
    'Windows',
    'win32',
    () => createWindowsStore({ run: nothing, systemRoot: 'C:\\Windows' }),
    [`& '${certutil}' '-user' '-addstore' 'Root' '/home/ada o''hara/ca/rootCA.pem'`],
    [`& '${certutil}' '-user' '-delstore' 'Root' 'HANDLE'`],
  ],
]

describe.each(stores)('the store of %s', (_name, platform, create, install, remove) => {
  const setting = () => ({ platform, isRoot: false })

  it('is changed by these commands', () => {
    const lines = create()
      .install(authority)
      .map((command) => formatCommand(command, setting()))
    expect(lines).toEqual(install.map((line) => line.replace('ID', id)))
  })

  it('is changed back by these', () => {
    const certificates = [{ ...authority, isTrusted: true, handle: 'HANDLE' }]
    const lines = create()
      .remove(certificates)
      .map((command) => formatCommand(command, setting()))
    expect(lines).toEqual(remove)
  })

  it('needs no sudo for root', () => {
    for (const command of create().install(authority)) {
      expect(argvOf(command, { platform, isRoot: true })).toEqual(command.argv)
    }
  })
})

it.each<[string | undefined, string[]]>([...Object.entries(folders), [undefined, ['/etc/nixos']]])(
  '%s is told by its folders',
  (family, found) => {
    expect(selectLayout((path) => found.includes(path))?.family).toBe(family)
  },
)

it('the roots of macOS and of Windows are read as their tools print them', async () => {
  const { certificate } = authority
  const other = await createTestAuthority()
  const pem = `${certificate}${other.certPem}`
  const base64 = certificate.raw.toString('base64')
  const found = (one: X509Certificate) => ({
    certificate: expect.objectContaining({ fingerprint256: one.fingerprint256 }),
    isTrusted: true,
    handle: one.fingerprint.replaceAll(':', ''),
  })
  const macos = createMacosStore({ run: async () => ({ code: 0, stdout: pem, stderr: '' }) })
  const listing = `${base64}\r\nnot a certificate\r\n`
  const windows = createWindowsStore({
    run: async () => ({ code: 0, stdout: listing, stderr: '' }),
    systemRoot: 'C:\\Windows',
  })
  expect(await macos.check()).toEqual({
    present: true,
    certificates: [found(certificate), found(new X509Certificate(other.certPem))],
  })
  expect(await windows.check()).toEqual({ present: true, certificates: [found(certificate)] })
})

it('a program is found on the PATH only when it can be run', () => {
  const options = { platform: process.platform, searchPath: '/nowhere:/usr/bin:/bin' }
  expect(findProgram('sh', options)).toMatch(/^\/(usr\/)?bin\/sh$/)
  expect(findProgram('no-such-program', options)).toBeUndefined()
})
