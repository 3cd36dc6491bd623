import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openSqliteStore } from '../../../src/store/sqlite-store.ts'
import type { UploadedFile } from '../../../src/tls/upstream/certificate-file.ts'
import type { ClientCertificateFiles } from '../../../src/tls/upstream/judge-client-certificate.ts'
import { openUpstreamBundles } from '../../../src/tls/upstream/open-upstream-bundles.ts'
import type { BundleChange } from '../../../src/tls/upstream/signed-bundles.ts'
import type { UpstreamBundles } from '../../../src/tls/upstream/upstream-bundles.ts'

/** A folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-ca-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export const change = { by: 'ada', from: 'cli' }

/** Bundles with short names for the uploads that tests make most. */
export function withShortcuts(bundles: UpstreamBundles) {
  const { put } = bundles
  return {
    ...bundles,
    add: (server: string, files: readonly UploadedFile[], by: BundleChange) =>
      put(server, { mode: 'add', files }, by),
    replace: (server: string, files: readonly UploadedFile[], by: BundleChange) =>
      put(server, { mode: 'replace', files }, by),
    setClientCertificate: (
      server: string,
      clientCertificate: ClientCertificateFiles,
      by: BundleChange,
    ) => put(server, { mode: 'add', files: [], clientCertificate }, by),
  }
}

/** Bundles on a real store in a temporary folder. `again` opens the same folder as a new process would. */
export async function openLab(home?: string) {
  const folder = home ?? (await temporaryFolder())
  const store = openSqliteStore(join(folder, 'state.sqlite'))
  onTestFinished(() => store.close())
  const bundles = openUpstreamBundles({ config: { home: folder, secret: undefined }, store })
  return {
    folder,
    store,
    bundles: withShortcuts(bundles),
    keyFile: join(folder, 'upstream-ca-keys.json'),
    again: () => openLab(folder),
  }
}
