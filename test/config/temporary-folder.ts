import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A project folder with a `gateway.json` beside its `.env`, and how to load it. */
export async function projectWith(files: {
  gateway?: unknown
  text?: string
  dotenv?: string
}): Promise<{ projectDir: string; env: Record<string, string> }> {
  const projectDir = await temporaryFolder()
  const text = files.text ?? JSON.stringify(files.gateway ?? {}, null, 2)
  await writeFile(join(projectDir, 'gateway.json'), text)
  if (files.dotenv !== undefined) await writeFile(join(projectDir, '.env'), files.dotenv)
  return { projectDir, env: { SALLYPORT_CONFIG: 'gateway.json' } }
}
