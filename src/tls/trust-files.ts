import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf, UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'
import { ensureFolder } from '../lib/ensure-folder.ts'
import type { Logger } from '../lib/logger.ts'
import { authorityName } from './authority.ts'
import { parseCertificates } from './certificate.ts'

export type TrustFiles = ReturnType<typeof createTrustFiles>

/**
 * The files in `folder` that clients are pointed to, so that they trust what we serve. No key is ever
 * in them. `readRoots` returns what the bundle adds to.
 */
export function createTrustFiles(
  folder: string,
  options: {
    readRoots: () => Promise<readonly string[]>
    logger: Logger
    combine: CombineOptions
  },
) {
  const caFile = join(folder, 'ca.pem')
  const bundleFile = join(folder, 'bundle.pem')
  let bundled: string | undefined
  let combinedFiles: Readonly<Record<string, string>> = {}
  let pending = Promise.resolve()

  async function writeBundle(authorityPem: string): Promise<void> {
    const bundle = formatTrustBundle(await options.readRoots(), authorityPem)
    await updateHomeFile(bundleFile, bundle, { mode: 0o644 })
    const files = { ca: caFile, bundle: bundleFile }
    combinedFiles = await combineTrustFiles({ ...options.combine, folder, files })
  }

  return {
    /** The authority's certificate alone, for variables that add to the roots. */
    caFile,
    /** The system's roots and the authority, for variables that replace the roots. */
    bundleFile,
    /** See `combineTrustFiles`; as of the last time they were written. */
    get combinedFiles() {
      return combinedFiles
    },
    /**
     * Writes all where their content changed: `caFile` before it resolves, the others in
     * the background, again at the next call if it failed. Throws UserError CERTIFICATE_UNWRITABLE.
     */
    update: async (authorityPem: string): Promise<void> => {
      await updateHomeFile(caFile, authorityPem, { mode: 0o644 })
      if (bundled === authorityPem) return
      bundled = authorityPem
      pending = writeBundle(authorityPem)
      pending.catch((error) => {
        bundled = undefined
        options.logger.warn('bundle not written', { reason: messageOf(error) })
      })
    },
    /** Resolves when they are written; rejects with what prevented it. */
    bundleWritten: (): Promise<void> => pending,
  }
}

/**
 * Joins roots (PEM) and the authority's certificate into one PEM file, each certificate once, the
 * authority last. Other authorities of ours are left out: the roots may come from a bundle of an
 * earlier one that has been replaced.
 * @internal
 */
export function formatTrustBundle(roots: readonly string[], authorityPem: string): string {
  const certificates = new Map(roots.map((pem) => [base64Of(pem), pem]))
  certificates.delete(base64Of(authorityPem))
  const others = [...certificates].filter(([base64]) => !isOurs(base64)).map(([, pem]) => pem)
  return [...others, authorityPem].map((pem) => `${pem.trim()}\n`).join('')
}

function base64Of(pem: string): string {
  return pem.replace(/-----(BEGIN|END) CERTIFICATE-----|\s/g, '')
}

// The name stands in the subject as it is; parsing some 200 certificates would take 20 ms.
function isOurs(base64: string): boolean {
  return Buffer.from(base64, 'base64').includes(authorityName)
}

/** Where the variables of an environment are to be combined with ours. */
export interface CombineOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Which of our files each variable takes. */
  readonly variables: readonly { readonly name: string; readonly file: 'ca' | 'bundle' }[]
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
  files: Readonly<Record<'ca' | 'bundle', string>>
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
  const file = join(folder, `${variable.toLowerCase().replaceAll('_', '-')}.pem`)
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

// In a thread, because reading the system's store blocks: 30 ms on Linux, longer where a keychain
// has to be asked. As text, because a thread that loads TypeScript takes 80 ms more.
const script = `
  const { getCACertificates } = require('node:tls')
  const { parentPort } = require('node:worker_threads')
  const stores = ['system', 'bundled', 'extra']
  parentPort.postMessage(stores.flatMap((store) => getCACertificates(store)))`

/**
 * Reads the roots (PEM) this process could trust: the system's, those that come with Node, and what
 * NODE_EXTRA_CA_CERTS named when it started. The lists overlap.
 */
export async function readRootCertificates(): Promise<string[]> {
  // Without our own flags: --input-type would change what the text means.
  const worker = new Worker(script, { eval: true, execArgv: [] })
  const [roots] = await once(worker, 'message')
  return roots
}

/**
 * Writes a file of the certificates folder, and the folder if need be, unless it has this content
 * already. Throws UserError CERTIFICATE_UNWRITABLE.
 */
export async function updateHomeFile(
  path: string,
  content: string,
  options: { mode: number },
): Promise<void> {
  // Missing or unreadable: the write tells.
  const previous = await readFile(path, 'utf8').catch(() => undefined)
  if (previous === content) return
  try {
    await ensureFolder(dirname(path))
    await writeFileAtomic(path, content, options)
  } catch (error) {
    throw new UserError(
      'CERTIFICATE_UNWRITABLE',
      `The file ${path} cannot be written: ${messageOf(error)}.`,
      { hint: 'Make its folder writable for your user, and start again.', cause: error },
    )
  }
}
