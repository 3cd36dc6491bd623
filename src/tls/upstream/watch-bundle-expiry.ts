import type { Clock } from '../../lib/clock.ts'
import { findExpiring } from './bundle-expiry.ts'
import type { UpstreamBundles } from './upstream-bundles.ts'

const hourMs = 3_600_000

/** A `warning` of the gateway. */
export interface ExpiryWarning {
  readonly event: 'warning'
  readonly code: 'CA_BUNDLE_EXPIRES'
  readonly message: string
  readonly hint: string
}

/**
 * Looks at the bundles now and every hour, and warns of each certificate 30, 7 and 1 days before it
 * expires and when it has: once each, until the returned function is called.
 */
export function watchBundleExpiry(options: {
  bundles: Pick<UpstreamBundles, 'list'>
  clock: Clock
  warn: (warning: ExpiryWarning) => void
}): () => void {
  const { bundles, clock, warn } = options
  const told = new Set<string>()

  async function look(): Promise<void> {
    for (const finding of findExpiring(await bundles.list())) {
      const { server, fingerprint256, threshold, message, hint } = finding
      const key = JSON.stringify([server, fingerprint256, threshold])
      if (told.has(key)) continue
      told.add(key)
      warn({ event: 'warning', code: 'CA_BUNDLE_EXPIRES', message, hint })
    }
  }

  function lookOrWait(): void {
    look().catch(() => {
      // The store is closed or cannot be read: whoever connects says so, and the next hour is tried.
    })
  }

  lookOrWait()
  return clock.every(hourMs, lookOrWait)
}
