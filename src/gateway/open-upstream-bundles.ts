import { join } from 'node:path'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { createSealedStore, type SealingKey } from '../store/sealed-store.ts'
import { loadSealingKey } from '../store/sealing-key.ts'
import type { Store } from '../store/store.ts'
import { createBundleSigningKeys } from '../tls/upstream/bundle-signing-keys.ts'
import { createUpstreamBundles } from '../tls/upstream/create-upstream-bundles.ts'
import type { UpstreamBundles } from '../tls/upstream/upstream-bundles.ts'

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
  let sealed: Promise<Store> | undefined
  return createUpstreamBundles({
    store,
    sealedStore: () => {
      sealed ??= sealingKey(config).then((key) => createSealedStore(store, key))
      return sealed
    },
    keys: createBundleSigningKeys(join(config.home, 'upstream-ca-keys.json')),
    now: Date.now,
  })
}
