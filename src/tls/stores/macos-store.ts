import type { RunCommand } from '../../lib/programs.ts'
import { parseCertificates } from '../certificate.ts'
import type { TrustStore } from './trust-store.ts'

const security = '/usr/bin/security'
const keychain = '/Library/Keychains/System.keychain'

/** The keychain of macOS, which Safari, Chrome, curl and Apple's own programs ask. */
export function createMacosStore({ run }: { run: RunCommand }): TrustStore {
  return {
    kind: 'system',
    place: keychain,
    async check() {
      const { stdout } = await run([security, 'find-certificate', '-a', '-p', keychain])
      return {
        present: true,
        certificates: parseCertificates(stdout).map((certificate) => ({
          certificate,
          isTrusted: true,
          handle: certificate.fingerprint.replaceAll(':', ''),
        })),
      }
    },
    install: ({ file }) => [
      {
        argv: [security, 'add-trusted-cert', '-d', '-r', 'trustRoot', '-k', keychain, file],
        asRoot: true,
      },
    ],
    remove: (certificates) =>
      certificates.map(({ handle }) => ({
        argv: [security, 'delete-certificate', '-Z', handle, '-t', keychain],
        asRoot: true,
      })),
  }
}
