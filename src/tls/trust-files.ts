import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { Logger } from '../lib/logger.ts'
import { updateHomeFile } from './home-files.ts'
import { formatTrustBundle } from './trust-bundle.ts'

/** The files clients are pointed to, so that they trust what we serve. No key is ever in them. */
export interface TrustFiles {
  /** The authority's certificate alone, for variables that add to the roots. */
  readonly caFile: string
  /** The system's roots and the authority, for variables that replace the roots. */
  readonly bundleFile: string
  /**
   * Writes both where their content changed: `caFile` before it resolves, `bundleFile` in the
   * background, again at the next call if it failed. Throws UserError CERTIFICATE_UNWRITABLE.
   */
  update(authorityPem: string): Promise<void>
  /** Resolves when `bundleFile` is written; rejects with what prevented it. */
  bundleWritten(): Promise<void>
}

/** Creates the keeper of the trust files in `folder`; `readRoots` returns what the bundle adds to. */
export function createTrustFiles(
  folder: string,
  { readRoots, logger }: { readRoots: () => Promise<readonly string[]>; logger: Logger },
): TrustFiles {
  const caFile = join(folder, 'ca.pem')
  const bundleFile = join(folder, 'bundle.pem')
  let bundled: string | undefined
  let pending = Promise.resolve()

  async function writeBundle(authorityPem: string): Promise<void> {
    const bundle = formatTrustBundle(await readRoots(), authorityPem)
    await updateHomeFile(bundleFile, bundle, { mode: 0o644 })
  }

  return {
    caFile,
    bundleFile,
    update: async (authorityPem) => {
      await updateHomeFile(caFile, authorityPem, { mode: 0o644 })
      if (bundled === authorityPem) return
      bundled = authorityPem
      pending = writeBundle(authorityPem)
      pending.catch((error) => {
        bundled = undefined
        logger.warn('bundle not written', { reason: messageOf(error) })
      })
    },
    bundleWritten: () => pending,
  }
}
