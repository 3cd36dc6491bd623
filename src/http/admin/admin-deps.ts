import type { Exposure, ListenerName } from '../../origin/known-origins.ts'
import type { UpstreamBundles } from '../../tls/upstream/upstream-bundles.ts'
import type { AdminSessions } from './admin-sessions.ts'

/** A configured server as the admin page shows it. */
export interface AdminServer {
  readonly name: string
  /** Undefined for a program. */
  readonly url: string | undefined
  readonly insecureSkipVerify: boolean
}

export interface AdminDeps {
  /** The configuration file as it is named in sentences. */
  readonly configFile: string
  readonly sessions: Pick<AdminSessions, 'redeem' | 'verify'>
  readonly bundles: Pick<UpstreamBundles, 'describe' | 'list' | 'put' | 'remove'>
  /** The servers as configured now. */
  servers(): readonly AdminServer[]
  exposureOf(listener: ListenerName): Exposure
  /** A bundle was changed: connections follow at once. */
  onBundleChanged(): void
}
