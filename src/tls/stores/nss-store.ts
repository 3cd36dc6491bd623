import type { RunCommand } from '../../lib/run-command.ts'
import { parseCertificates } from '../certificate-pem.ts'
import type { NssDatabase } from './nss-databases.ts'
import { type StoredCertificate, shortFingerprint, type TrustStore } from './trust-store.ts'

/** The database of one browser profile, by NSS's own certutil. */
export function createNssStore(options: {
  database: NssDatabase
  /** Undefined when it is not installed. */
  certutil: string | undefined
  /** Which package has it. */
  packageHint: string
  run: RunCommand
}): TrustStore {
  const { database, run } = options
  const certutil = options.certutil ?? 'certutil'
  const onDatabase = (...args: string[]) => [
    certutil,
    ...args.slice(0, 1),
    '-d',
    database.name,
    ...args.slice(1),
  ]
  return {
    kind: 'nss',
    place: database.folder,
    async check(concerns) {
      if (options.certutil === undefined) {
        const reason = `${database.browser} keeps its own roots there, and certutil of NSS is not installed.`
        return { present: false, reason, hint: options.packageHint }
      }
      const list = await run(onDatabase('-L'))
      if (list.code !== 0) return { present: false, reason: list.stderr.trim() }
      const certificates: StoredCertificate[] = []
      for (const { nickname, flags } of parseList(list.stdout)) {
        const { stdout } = await run(onDatabase('-L', '-a', '-n', nickname))
        for (const certificate of parseCertificates(stdout).filter(concerns)) {
          const { fingerprint256 } = certificate
          certificates.push({ fingerprint256, isTrusted: flags.includes('C'), handle: nickname })
        }
      }
      return { present: true, certificates }
    },
    install({ certificate, file }) {
      const nickname = `Sallyport ${shortFingerprint(certificate)}`
      return [{ argv: onDatabase('-A', '-t', 'C,,', '-n', nickname, '-i', file), asRoot: false }]
    },
    remove: (certificates) =>
      certificates.map(({ handle }) => ({ argv: onDatabase('-D', '-n', handle), asRoot: false })),
  }
}

/**
 * The authorities in the list that `certutil -L` prints: a nickname and the flags for TLS, mail and
 * code, of which only those for TLS matter.
 */
function parseList(text: string): { nickname: string; flags: string }[] {
  return [...text.matchAll(/^(.*\S) +([a-zA-Z]*),[a-zA-Z]*,[a-zA-Z]* *$/gm)]
    .map(([, nickname = '', flags = '']) => ({ nickname, flags }))
    .filter(({ nickname }) => /sallyport|mkcert/i.test(nickname))
}
