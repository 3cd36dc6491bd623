import { randomBytes, scrypt } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, UserError } from '../errors.ts'
import { createFileAtomic } from '../lib/atomic-file.ts'
import { createSealingKey, type SealingKey } from './sealed-store.ts'

const keyFileName = 'sealing.key'
const minimumSecretLength = 16
// Two secrets must not be told apart by their salt, and there is no place to keep one without state.
const secretSalt = 'sallyport sealing key v1'

const deriveKey = promisify<string, string, number, Buffer>(scrypt)

/**
 * The key that secrets are sealed with: derived from `secret` (SALLYPORT_SECRET) when there is one,
 * else read from `sealing.key` under `home`, which is created with mode 0600 at first use and never
 * replaced.
 * @throws UserError STORE_UNUSABLE when the key cannot be had
 */
export async function loadSealingKey(options: {
  home: string
  secret: string | undefined
}): Promise<SealingKey> {
  if (options.secret !== undefined) return keyFromSecret(options.secret)
  const path = join(options.home, keyFileName)
  try {
    const fresh = `${randomBytes(32).toString('base64url')}\n`
    await createFileAtomic(path, fresh, { mode: 0o600 })
    await requirePrivate(path)
    return keyFromFile(path, await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof UserError) throw error
    throw unusable(`Cannot use the key file ${path}: ${messageOf(error)}.`, {
      hint: 'Make the file and its folder readable and writable for your user.',
      cause: error,
    })
  }
}

/**
 * The same key for somebody who only looks: undefined when it was never made, so nothing is sealed.
 * @throws UserError STORE_UNUSABLE when the key cannot be had
 */
export async function readSealingKey(options: {
  home: string
  secret: string | undefined
}): Promise<SealingKey | undefined> {
  if (options.secret !== undefined) return keyFromSecret(options.secret)
  const path = join(options.home, keyFileName)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : keyFromFile(path, text)
}

async function keyFromSecret(secret: string): Promise<SealingKey> {
  if (secret.length < minimumSecretLength) {
    throw unusable(`SALLYPORT_SECRET is shorter than ${minimumSecretLength} characters.`, {
      hint: 'Set it to a long random value, for instance from `openssl rand -base64 32`.',
    })
  }
  return createSealingKey(await deriveKey(secret, secretSalt, 32), 'SALLYPORT_SECRET')
}

function keyFromFile(path: string, text: string): SealingKey {
  const bytes = Buffer.from(text.trim(), 'base64url')
  if (bytes.length === 32) return createSealingKey(bytes, path)
  throw unusable(`The key file ${path} is damaged: it does not hold 32 bytes.`, {
    hint: 'Restore it from a backup. Without it the stored logins are lost: move it and the state file away.',
  })
}

async function requirePrivate(path: string): Promise<void> {
  // Windows has no such modes; the folder's access list decides there.
  if (process.platform === 'win32') return
  const mode = (await stat(path)).mode & 0o777
  if ((mode & 0o077) === 0) return
  throw unusable(`The key file ${path} can be read by other users (mode ${mode.toString(8)}).`, {
    hint: `Run \`chmod 600 ${path}\`. If others use this machine, log in to your servers again.`,
  })
}

function unusable(message: string, options: { hint: string; cause?: unknown }): UserError {
  return new UserError('STORE_UNUSABLE', message, options)
}
