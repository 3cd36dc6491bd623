import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { Logger } from '../lib/logger.ts'
import { type CombineOptions, combineTrustFiles } from './combined-file.ts'
import { updateHomeFile } from './home-files.ts'
import { formatTrustBundle } from './trust-bundle.ts'

/** The files clients are pointed to, so that they trust what we serve. No key is ever in them. */
export interface TrustFiles {
  /** The authority's certificate alone, for variables that add to the roots. */
  readonly caFile: string
  /** The system's roots and the authority, for variables that replace the roots. */
  readonly bundleFile: string
  /** See `combineTrustFiles`; as of the last time they were written. */
  readonly combinedFiles: Readonly<Record<string, string>>
  /**
   * Writes all where their content changed: `caFile` before it resolves, the others in
   * the background, again at the next call if it failed. Throws UserError CERTIFICATE_UNWRITABLE.
   */
  update(authorityPem: string): Promise<void>
  /** Resolves when they are written; rejects with what prevented it. */
  bundleWritten(): Promise<void>
}

/** Creates the keeper of the trust files in `folder`; `readRoots` returns what the bundle adds to. */
export function createTrustFiles(
  folder: string,
  {
    readRoots,
    logger,
    combine,
  }: { readRoots: () => Promise<readonly string[]>; logger: Logger; combine: CombineOptions },
): TrustFiles {
  const caFile = join(folder, 'ca.pem')
  const bundleFile = join(folder, 'bundle.pem')
  let bundled: string | undefined
  let combinedFiles: Readonly<Record<string, string>> = {}
  let pending = Promise.resolve()

  async function writeBundle(authorityPem: string): Promise<void> {
    const bundle = formatTrustBundle(await readRoots(), authorityPem)
    await updateHomeFile(bundleFile, bundle, { mode: 0o644 })
    const files = { ca: caFile, bundle: bundleFile }
    combinedFiles = await combineTrustFiles({ ...combine, folder, files })
  }

  return {
    caFile,
    bundleFile,
    get combinedFiles() {
      return combinedFiles
    },
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
