import { accessSync, constants } from 'node:fs'
import type { RunCommand } from '../../lib/programs.ts'
import { readableCertificates } from '../certificate.ts'
import { cacertsPassword, type JavaHome } from '../java.ts'
import { type StoredCertificate, shortFingerprint, type TrustStore } from './trust-store.ts'

/** The roots of one Java installation, by its keytool. */
export function createJavaStore(options: { java: JavaHome; run: RunCommand }): TrustStore {
  const { java, run } = options
  const onStore = (action: string, ...args: string[]) => [
    ...[java.keytool, action, '-keystore', java.cacerts, '-storepass', cacertsPassword],
    ...args,
  ]
  const asRoot = !isWritable(java.cacerts)
  return {
    kind: 'java',
    place: java.cacerts,
    async check() {
      // The labels below are translated otherwise.
      const { code, stdout, stderr } = await run(onStore('-list', '-rfc', '-J-Duser.language=en'))
      if (code !== 0) return { present: false, reason: `${stdout}${stderr}`.trim() }
      return { present: true, certificates: parseEntries(stdout) }
    },
    install({ certificate, file }) {
      const alias = `sallyport-${shortFingerprint(certificate)}`
      return [{ argv: onStore('-importcert', '-noprompt', '-file', file, '-alias', alias), asRoot }]
    },
    remove: (certificates) =>
      certificates.map(({ handle }) => ({ argv: onStore('-delete', '-alias', handle), asRoot })),
  }
}

function parseEntries(text: string): StoredCertificate[] {
  return text
    .split(/^Alias name: /m)
    .slice(1)
    .flatMap((entry) => {
      const handle = /^.*/.exec(entry)?.[0].trim() ?? ''
      return readableCertificates(entry).map((certificate) => ({
        certificate,
        isTrusted: true,
        handle,
      }))
    })
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return true
  } catch {
    // Then root has to write it.
    return false
  }
}
