import { createHash } from 'node:crypto'
import type { ServerConfig } from '../../config/resolved-config.ts'
import type { Store } from '../../store/store.ts'
import type { ServerCatalog } from '../profiles/catalog.ts'
import type { Era } from '../wire/protocol.ts'

/** A legacy verdict is asked again after a day: an upgraded server still answers `initialize`. */
const legacyVerdictMs = 24 * 60 * 60 * 1000

/** Which protocol eras a server was seen to speak. */
export interface EraVerdict {
  readonly newest: Era
  /** Of one whose newest era is 2026-07-28; undefined until a 2025 client needed to know. */
  readonly speaksLegacy: boolean | undefined
}

/** What is remembered of one upstream across restarts, as long as its configuration is the same. */
export function createUpstreamMemory(store: Store, config: ServerConfig, now: () => number) {
  const identity = fingerprint(config)
  const load = async <T>(collection: string): Promise<(T & { savedAt: number }) | undefined> => {
    const found = (await store.get(collection, config.name)) as
      | (T & { identity: string; savedAt: number })
      | undefined
    return found?.identity === identity ? found : undefined
  }
  const save = (collection: string, value: object) =>
    store.set(collection, config.name, { ...value, identity, savedAt: now() })

  return {
    async catalog(): Promise<ServerCatalog | undefined> {
      const found = (await load<{ catalog: ServerCatalog }>('catalogs'))?.catalog
      // Those of an earlier version lack what the server said of itself.
      return found?.handshake ? found : undefined
    },
    saveCatalog: (catalog: ServerCatalog) => save('catalogs', { catalog }),
    async era(): Promise<EraVerdict | undefined> {
      const found = await load<{ verdict: EraVerdict }>('eras')
      const isStale = found?.verdict.newest === 'legacy' && now() - found.savedAt > legacyVerdictMs
      return isStale ? undefined : found?.verdict
    },
    saveEra: (verdict: EraVerdict) => save('eras', { verdict }),
  }
}

export type UpstreamMemory = ReturnType<typeof createUpstreamMemory>

/** What an upstream is, without a secret in it: another command or address is another upstream. */
function fingerprint(config: ServerConfig): string {
  const parts =
    config.type === 'stdio'
      ? [config.type, config.command, config.args, config.cwd, config.env]
      : [config.type, config.url, config.headers]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
