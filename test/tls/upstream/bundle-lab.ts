import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openUpstreamBundles } from '../../../src/gateway/open-upstream-bundles.ts'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'

/** A folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-ca-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export const change = { by: 'ada', from: 'cli' }

/** Bundles on a real store in a temporary folder. `again` opens the same folder as a new process would. */
export async function openLab(home?: string) {
  const folder = home ?? (await temporaryFolder())
  const store = openSqliteStore(join(folder, 'state.sqlite'))
  onTestFinished(() => store.close())
  const bundles = openUpstreamBundles({ config: { home: folder, secret: undefined }, store })
  return {
    folder,
    store,
    bundles,
    keyFile: join(folder, 'upstream-ca-keys.json'),
    again: () => openLab(folder),
  }
}
