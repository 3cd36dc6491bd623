import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import { parseCertificates } from './certificate-pem.ts'
import { updateHomeFile } from './home-files.ts'
import { formatTrustBundle } from './trust-bundle.ts'

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
  try {
    roots = parseCertificates(await readFile(existing, 'utf8')).map(String)
  } catch (error) {
    return { ok: false, reason: `it cannot be read: ${messageOf(error)}` }
  }
  const added = parseCertificates(await readFile(ours, 'utf8')).map(String)
  if (roots.every((root) => added.includes(root))) return { ok: true, file: ours }
  const authority = added.pop() ?? ''
  await updateHomeFile(file, formatTrustBundle([...roots, ...added], authority), { mode: 0o644 })
  return { ok: true, file }
}

function combinedFile(folder: string, variable: string): string {
  return join(folder, `${variable.toLowerCase().replaceAll('_', '-')}.pem`)
}
