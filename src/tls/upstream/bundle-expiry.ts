import { addCommand, setClientCertificateCommand } from './explain-client-certificate.ts'
import type { BundleDescription } from './upstream-bundles.ts'

/** Days before the end at which it is told; 0 is the end itself. */
const thresholds = [0, 1, 7, 30] as const

export interface ExpiryFinding {
  readonly server: string
  readonly fingerprint256: string
  /** The smallest threshold that is reached. */
  readonly threshold: (typeof thresholds)[number]
  /** A sentence that names the server and the certificate. */
  readonly message: string
  readonly hint: string
  /** What the hint is about. */
  readonly command: string
}

/** Certificates in `bundles` that have expired, or will within 30 days of their description. */
export function findExpiring(bundles: readonly BundleDescription[]): ExpiryFinding[] {
  return bundles.flatMap(({ server, certificates, clientCertificate }) => {
    const authorities = certificates.map((certificate) => ({
      ...certificate,
      what: `CA certificate ${certificate.subject}`,
      advice: 'Add its successor',
      command: addCommand(server),
    }))
    const presented = clientCertificate && {
      ...clientCertificate,
      what: `client certificate ${clientCertificate.subject}`,
      advice: 'Set its successor',
      command: setClientCertificateCommand(server),
    }
    return [...authorities, ...(presented ? [presented] : [])].flatMap(
      ({ what, advice, command, daysLeft, notAfter, fingerprint256 }) => {
        // Whole days are rounded down, so what has less than a day left has 0.
        const threshold = daysLeft < 0 ? 0 : thresholds.find((days) => days > daysLeft)
        if (threshold === undefined) return []
        const day = new Date(notAfter).toISOString().slice(0, 10)
        const end = threshold === 0 ? `expired on ${day}` : `expires on ${day}`
        return [
          {
            server,
            fingerprint256,
            threshold,
            message: `The ${what} of server "${server}" ${end}.`,
            hint: `${advice}: ${command}`,
            command,
          },
        ]
      },
    )
  })
}
