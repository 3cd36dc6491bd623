import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import { parseCertificates } from './certificate-pem.ts'
import { updateHomeFile } from './home-files.ts'
import { formatTrustBundle } from './trust-bundle.ts'

/** A variable of the environment, and which of our files it takes. */
export interface TrustSetting {
  readonly name: string
  readonly file: 'ca' | 'bundle'
}

/** Where the variables of an environment are to be combined with ours. */
export interface CombineOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly variables: readonly TrustSetting[]
}

/**
 * Makes one file of what each variable names already and of ours, and returns the files by the
 * variable; variables that name nothing else are left out.
 * @throws UserError CERTIFICATE_UNWRITABLE
 */
export async function combineTrustFiles({
  folder,
  files,
  environment,
  variables,
}: CombineOptions & {
  folder: string
  files: Readonly<Record<TrustSetting['file'], string>>
}): Promise<Record<string, string>> {
  const combined: Record<string, string> = {}
  for (const { name, file } of variables) {
    const [existing, ours] = [environment[name], files[file]]
    if (!existing) continue
    const made = await writeCombinedFile({ folder, variable: name, existing, ours })
    if (made.ok && made.file !== ours) combined[name] = made.file
  }
  return combined
}

export type CombinedFile =
  | { readonly ok: true; readonly file: string }
  /** `reason` is the rest of a sentence. */
  | { readonly ok: false; readonly reason: string }

/**
 * Returns `ours` when it holds everything that `existing` does. Else writes what both hold into a
 * file of the certificates folder that is named after the variable. Both are PEM files; the last
 * certificate of `ours` is the authority.
 * @throws UserError CERTIFICATE_UNWRITABLE
 */
export async function writeCombinedFile(options: {
  folder: string
  variable: string
  existing: string
  ours: string
}): Promise<CombinedFile> {
  const { folder, variable, existing, ours } = options
  const file = combinedFile(folder, variable)
  let roots: string[]
  let added: string[]
  try {
    roots = parseCertificates(await readFile(existing, 'utf8')).map(String)
    added = parseCertificates(await readFile(ours, 'utf8')).map(String)
  } catch (error) {
    // Ours is missing before the first start, which combines them.
    return { ok: false, reason: `it cannot be read: ${messageOf(error)}` }
  }
  if (roots.every((root) => added.includes(root))) return { ok: true, file: ours }
  const authority = added.pop() ?? ''
  await updateHomeFile(file, formatTrustBundle([...roots, ...added], authority), { mode: 0o644 })
  return { ok: true, file }
}

function combinedFile(folder: string, variable: string): string {
  return join(folder, `${variable.toLowerCase().replaceAll('_', '-')}.pem`)
}
