import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { requireHome } from '../../lib/ensure-folder.ts'
import { openSqliteStore } from '../../store/sqlite-store.ts'
import type { Store } from '../../store/store.ts'
import type { World } from '../output.ts'

/** Runs a command on the configuration and the store of this folder, and closes it again. */
export async function withStore(
  { process }: Pick<World, 'process'>,
  run: (folder: { config: ResolvedConfig; store: Store }) => Promise<number>,
): Promise<number> {
  const { config } = await loadConfig({ projectDir: process.cwd() })
  await requireHome(config.home)
  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  try {
    return await run({ config, store })
  } finally {
    await store.close()
  }
}
