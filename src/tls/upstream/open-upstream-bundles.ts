import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import type { SealingKey } from '../../store/sealed-store.ts'
import { loadSealingKey, readSealingKey } from '../../store/sealing-key.ts'
import { openReadOnlyStore } from '../../store/sqlite-store.ts'
import type { Store } from '../../store/store.ts'
import { diagnoseUpstream, type UpstreamDiagnosis } from './diagnose-upstream.ts'
import { createUpstreamBundles, type UpstreamBundles } from './upstream-bundles.ts'

/** How long `diagnoseServer` waits for a connection, ms. */
const connectMs = 10_000

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

/**
 * Connects to a configured server with what is kept for it and the roots of this process, and
 * explains what it saw. The connection has 10 s, or `timeoutMs`.
 * @throws UserError CA_BUNDLE_REFUSED
 */
export async function diagnoseServer(
  server: { readonly name: string; readonly url: string; readonly timeoutMs?: number },
  bundles: Pick<UpstreamBundles, 'read'>,
): Promise<UpstreamDiagnosis> {
  const { name, url, timeoutMs = connectMs } = server
  return diagnoseUpstream({
    server: name,
    url,
    tls: await bundles.read(name),
    roots: getCACertificates('default'),
    timeoutMs,
    now: Date.now(),
  })
}
