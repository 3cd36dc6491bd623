import type { Clock } from '../../lib/clock.ts'
import type { BundleDescription } from './describe-bundle.ts'
import { addCommand, setClientCertificateCommand } from './tls-failures.ts'
import type { UpstreamBundles } from './upstream-bundles.ts'

/** Days before the end at which it is told; 0 is the end itself. */
const thresholds = [0, 1, 7, 30] as const

interface ExpiryFinding {
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

const hourMs = 3_600_000

/**
 * Looks at the bundles now and every hour, and warns of each certificate 30, 7 and 1 days before it
 * expires and when it has: once each, until the returned function is called.
 */
export function watchBundleExpiry(options: {
  bundles: Pick<UpstreamBundles, 'list'>
  clock: Clock
  warn: (warning: ReturnType<typeof warningOf>) => void
}): () => void {
  const { bundles, clock, warn } = options
  const told = new Set<string>()

  async function look(): Promise<void> {
    try {
      for (const finding of findExpiring(await bundles.list())) {
        const { server, fingerprint256, threshold } = finding
        const key = JSON.stringify([server, fingerprint256, threshold])
        if (!told.has(key)) warn(warningOf(finding))
        told.add(key)
      }
    } catch {
      // The store is closed or cannot be read: whoever connects says so, and the next hour is tried.
    }
  }

  void look()
  return clock.every(hourMs, look)
}

function warningOf({ message, hint }: ExpiryFinding) {
  return { event: 'warning' as const, code: 'CA_BUNDLE_EXPIRES' as const, message, hint }
}
