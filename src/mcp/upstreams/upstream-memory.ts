import { createHash } from 'node:crypto'
import type { ServerConfig } from '../../config/resolved-config.ts'
import type { Store } from '../../store/store.ts'
import type { ServerCatalog } from '../catalog.ts'

/** A legacy verdict is asked again after a day: an upgraded server still answers `initialize`. */
const legacyVerdictMs = 24 * 60 * 60 * 1000

/** Which protocol eras an upstream was seen to speak. */
export interface EraVerdict {
  readonly modern: boolean
  /** Undefined until a 2025 client needed to know. */
  readonly legacy: boolean | undefined
}

/** What is remembered of one upstream across restarts, as long as its configuration is the same. */
export interface UpstreamMemory {
  catalog(): Promise<ServerCatalog | undefined>
  saveCatalog(catalog: ServerCatalog): Promise<void>
  verdict(): Promise<EraVerdict | undefined>
  saveVerdict(verdict: EraVerdict): Promise<void>
}

export function createUpstreamMemory(
  store: Store,
  config: ServerConfig,
  now: () => number,
): UpstreamMemory {
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
    async catalog() {
      return (await load<{ catalog: ServerCatalog }>('catalogs'))?.catalog
    },
    saveCatalog: (catalog) => save('catalogs', { catalog }),
    async verdict() {
      const found = await load<{ verdict: EraVerdict }>('era-verdicts')
      if (!found) return undefined
      const stale = !found.verdict.modern && now() - found.savedAt > legacyVerdictMs
      return stale ? undefined : found.verdict
    },
    saveVerdict: (verdict) => save('era-verdicts', { verdict }),
  }
}

/** What an upstream is, without a secret in it: another command or address is another upstream. */
function fingerprint(config: ServerConfig): string {
  const parts =
    config.type === 'stdio'
      ? [config.type, config.command, config.args, config.cwd, config.env]
      : [config.type, config.url, config.headers]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
