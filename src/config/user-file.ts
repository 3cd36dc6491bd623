import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import { access, readFile, readlink, realpath, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf, UserError } from '../errors.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'

/** A text file of the user's, which comes back byte for byte where it was not changed. */
export interface UserFile {
  readonly text: string
  readonly encoding: 'utf8' | 'latin1'
}

/** The file a path leads to, links followed, also when it does not exist yet. */
export async function targetOf(path: string): Promise<string> {
  const target = await realpath(path).catch(() => undefined)
  if (target !== undefined) return target
  const link = await readlink(path).catch(() => undefined)
  return link === undefined ? resolve(path) : resolve(dirname(path), link)
}

/** Reads a file; undefined when there is none. Rejects with the system's error when it cannot be read. */
export async function readUserFile(path: string): Promise<UserFile | undefined> {
  try {
    const bytes = await readFile(path)
    // Latin-1 maps every byte to a character and back, whatever the file is written in.
    const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
    return { text: bytes.toString(encoding), encoding }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * Refuses what a rename would silently override: a read-only file, a folder that is not there.
 * @throws UserError ENV_FILE_UNWRITABLE
 */
export async function requireWritable(path: string): Promise<void> {
  try {
    const isPresent = await stat(path).catch(() => undefined)
    if (isPresent) await access(path, constants.W_OK)
    await access(dirname(path), constants.W_OK)
  } catch (error) {
    throw envFileUnwritable(path, error)
  }
}

/**
 * Replaces the content; undefined removes the file. A new file is for its owner only, since env
 * files come to hold secrets.
 * @throws UserError ENV_FILE_UNWRITABLE
 */
export async function writeUserFile(path: string, file: UserFile | undefined): Promise<void> {
  try {
    if (!file) return await rm(path, { force: true })
    const isPresent = await stat(path).catch(() => undefined)
    const bytes = Buffer.from(file.text, file.encoding)
    await writeFileAtomic(path, bytes, isPresent ? {} : { mode: 0o600 })
  } catch (error) {
    throw envFileUnwritable(path, error)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Says that a file cannot follow the address, and why. */
export function envFileUnwritable(path: string, cause: unknown): UserError {
  return new UserError(
    'ENV_FILE_UNWRITABLE',
    `APP_URL cannot be kept in ${path}: ${messageOf(cause)}.`,
    {
      hint: 'Make the file writable, or name other files in APP_URL_FILES.',
      cause,
    },
  )
}
