import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import envPaths from 'env-paths'
import { messageOf, UserError } from '../errors.ts'
import { createFileAtomic } from '../lib/atomic-file.ts'
import { ensureFolder } from '../lib/ensure-folder.ts'
import {
  type Authority,
  authorityFiles,
  authorityUnusable,
  readAuthority,
  readAuthorityKey,
} from './authority.ts'
import { permittedForAuthority } from './local-names.ts'
import { generateKeyPem, tightenKeyFile } from './private-key.ts'

/** Folder of our own authority, in the user's data folder: one for all clones. */
export function defaultCaRoot(): string {
  return join(envPaths('sallyport', { suffix: '' }).data, 'ca')
}

/**
 * Loads our own authority from `root`, and creates it where there is none. Of several processes
 * that do this at once one creates it, and all load the same. Throws UserError CA_UNUSABLE when
 * what is there cannot be used; it is never replaced. `now` is in ms since the epoch.
 */
export async function loadOwnAuthority(
  root: string,
  options: { hostname: string; now: number },
): Promise<Authority> {
  const { certFile, keyFile } = authorityFiles(root)
  try {
    // In this order: a creator writes the key first, so a certificate without a key has lost it.
    const hasCertificate = await exists(certFile)
    const hasKey = await exists(keyFile)
    if (hasCertificate && !hasKey) throw authorityUnusable(keyFile, 'it is missing')
    if (!hasKey) await createKey(keyFile).catch(cannotMake(root))
    if (!hasCertificate) {
      await createCertificate({ certFile, keyFile }, options).catch(cannotMake(root))
    }
    await tightenKeyFile(keyFile)
  } catch (error) {
    if (error instanceof UserError) throw error
    throw authorityUnusable(root, messageOf(error), error)
  }
  return readAuthority(root, { source: 'own-ca', now: options.now })
}

function cannotMake(root: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof UserError) throw error
    throw new UserError(
      'CA_UNUSABLE',
      `No certificate authority can be made in ${root}: ${messageOf(error)}.`,
      {
        hint: 'Make that folder writable for your user, or name another one in SALLYPORT_CA_ROOT.',
        cause: error,
      },
    )
  }
}

async function createKey(keyFile: string): Promise<void> {
  await ensureFolder(dirname(keyFile))
  await createFileAtomic(keyFile, generateKeyPem(), { mode: 0o600 })
}

// The key on disk is the one that counts: another process may have been first.
async function createCertificate(
  files: { certFile: string; keyFile: string },
  options: { hostname: string; now: number },
): Promise<void> {
  const key = await readAuthorityKey(files.keyFile)
  const { issueAuthority } = await import('./issue.ts')
  const permitted = permittedForAuthority(options.hostname)
  const certificate = await issueAuthority(key, { permitted, now: options.now })
  await createFileAtomic(files.certFile, certificate, { mode: 0o644 })
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
