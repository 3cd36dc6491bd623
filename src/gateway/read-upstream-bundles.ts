import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import type { SealingKey } from '../store/sealed-store.ts'
import { readSealingKey } from '../store/sealing-key.ts'
import { openReadOnlyStore } from '../store/sqlite-store.ts'
import type { UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'
import { openUpstreamBundles } from './open-upstream-bundles.ts'

/** The bundles for somebody who only looks. */
export type BundleReader = Pick<UpstreamBundles, 'read' | 'describe'>

/**
 * Hands the bundles of this folder to `use`, and makes or changes no file, beside a gateway or
 * without one.
 * @throws UserError STORE_UNUSABLE when the state file cannot be read
 */
export async function readUpstreamBundles<T>(
  config: Pick<ResolvedConfig, 'home' | 'secret'>,
  use: (bundles: BundleReader) => Promise<T>,
): Promise<T> {
  const path = join(config.home, 'state.sqlite')
  if (!(await stat(path).catch(() => undefined))) return use(nothingKept)
  const store = await openReadOnlyStore(path)
  try {
    return await use(openUpstreamBundles({ config, store, sealingKey: existingKey }))
  } finally {
    await store.close()
  }
}

const nothingKept: BundleReader = {
  read: async () => undefined,
  describe: async () => undefined,
}

async function existingKey(config: Pick<ResolvedConfig, 'home' | 'secret'>): Promise<SealingKey> {
  const key = await readSealingKey(config)
  if (key) return key
  throw new UserError(
    'STORE_UNUSABLE',
    `The key file ${join(config.home, 'sealing.key')} cannot be read, and the keys of client certificates are sealed with it.`,
    { hint: 'Restore it from a backup, or set the client certificates again.' },
  )
}
