import { join } from 'node:path'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { SealingKey } from '../store/sealed-store.ts'
import { loadSealingKey } from '../store/sealing-key.ts'
import type { Store } from '../store/store.ts'
import { createUpstreamBundles, type UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'

/** The CA bundles and client certificates of this folder. Nothing is read before it is needed. */
export function openUpstreamBundles({
  config,
  store,
  sealingKey = loadSealingKey,
}: {
  config: Pick<ResolvedConfig, 'home' | 'secret'>
  store: Store
  /** Makes the key when there is none, unless given. */
  sealingKey?: (config: Pick<ResolvedConfig, 'home' | 'secret'>) => Promise<SealingKey>
}): UpstreamBundles {
  let loaded: Promise<SealingKey> | undefined
  return createUpstreamBundles({
    store,
    keyFile: join(config.home, 'upstream-ca-keys.json'),
    sealingKey: () => {
      loaded ??= sealingKey(config)
      return loaded
    },
    now: Date.now,
  })
}
