import type { RunCommand } from '../../lib/programs.ts'
import { readableCertificate } from '../certificate.ts'
import type { TrustStore } from './trust-store.ts'

// As base64 of DER, a line each: what certutil prints is translated into the user's language.
const listRoots =
  'Get-ChildItem Cert:\\CurrentUser\\Root | ForEach-Object { [Convert]::ToBase64String($_.RawData) }'

/** The roots of the Windows user, which Edge, Chrome, Firefox and Windows' own programs ask. */
export function createWindowsStore(options: {
  run: RunCommand
  /** `%SystemRoot%`: NSS has a certutil as well. */
  systemRoot: string
}): TrustStore {
  const system32 = `${options.systemRoot}\\System32`
  const certutil = `${system32}\\certutil.exe`
  const powershell = `${system32}\\WindowsPowerShell\\v1.0\\powershell.exe`
  return {
    kind: 'system',
    place: 'Cert:\\CurrentUser\\Root',
    async check() {
      const { stdout } = await options.run([powershell, '-NoProfile', '-Command', listRoots])
      return {
        present: true,
        certificates: stdout
          .split(/\s+/)
          // A root that OpenSSL cannot read is none of ours.
          .flatMap((text) => readableCertificate(Buffer.from(text, 'base64')) ?? [])
          .map((certificate) => ({
            certificate,
            isTrusted: true,
            handle: certificate.fingerprint.replaceAll(':', ''),
          })),
      }
    },
    install: ({ file }) => [
      { argv: [certutil, '-user', '-addstore', 'Root', file], asRoot: false },
    ],
    remove: (certificates) =>
      certificates.map(({ handle }) => ({
        argv: [certutil, '-user', '-delstore', 'Root', handle],
        asRoot: false,
      })),
  }
}
