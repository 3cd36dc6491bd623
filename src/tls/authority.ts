import type { KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, posix, win32 } from 'node:path'
import { messageOf, UserError } from '../errors.ts'
import { readableCertificate, validityProblem } from './certificate.ts'
import { type PermittedNames, permittedNamesOf } from './name-constraints.ts'
import { parseKey } from './private-key.ts'

/** Organization in the subject of every authority we create; tells them from other roots. */
export const authorityName = 'Sallyport local CA'

/** A certificate authority that is ready to sign. */
export interface Authority {
  readonly source: 'own-ca' | 'mkcert'
  readonly certificate: X509Certificate
  readonly key: KeyObject
  /** What it may sign for; undefined is anything. */
  readonly permitted: PermittedNames | undefined
}

/** The files of an authority, named as mkcert names them, so that its tools work on ours too. */
export function authorityFiles(root: string): { certFile: string; keyFile: string } {
  return { certFile: join(root, 'rootCA.pem'), keyFile: join(root, 'rootCA-key.pem') }
}

/**
 * Reads the authority in `root`. Throws UserError CA_UNUSABLE when its files cannot be read or
 * parsed, do not belong together, are of an unknown kind, or it is not valid at `now` (ms since
 * the epoch). Changes nothing.
 */
export async function readAuthority(
  root: string,
  options: { source: Authority['source']; now: number },
): Promise<Authority> {
  const { certFile, keyFile } = authorityFiles(root)
  const certificate = await readAuthorityCertificate(certFile)
  const key = await readAuthorityKey(keyFile)
  if (!certificate.checkPrivateKey(key)) {
    throw authorityUnusable(certFile, `it does not belong to the key in ${keyFile}`)
  }
  const problem = validityProblem(certificate, options.now)
  if (problem) throw authorityUnusable(certFile, problem)
  return { source: options.source, certificate, key, permitted: permittedNamesOf(certificate.raw) }
}

/** Reads the key of an authority. Throws UserError CA_UNUSABLE. */
export async function readAuthorityKey(keyFile: string): Promise<KeyObject> {
  const parsed = parseKey(await readText(keyFile))
  if (!parsed.ok) throw authorityUnusable(keyFile, parsed.reason)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = parsed.key
  if (type !== 'rsa' && details?.namedCurve !== 'prime256v1') {
    throw authorityUnusable(keyFile, 'its key is neither RSA nor P-256')
  }
  return parsed.key
}

/** The failure of an authority because of one of its files; `reason` is the rest of a sentence. */
export function authorityUnusable(file: string, reason: string, cause?: unknown): UserError {
  return new UserError(
    'CA_UNUSABLE',
    `The certificate authority cannot be used because of ${file}: ${reason}.`,
    {
      hint:
        'Nothing was changed. Restore the file from a backup; or move its folder away, and a new ' +
        'authority is made, which whatever trusts the old one must be told to trust.',
      cause,
    },
  )
}

async function readAuthorityCertificate(certFile: string): Promise<X509Certificate> {
  const certificate = readableCertificate(await readText(certFile))
  if (!certificate) throw authorityUnusable(certFile, 'it holds no readable PEM certificate')
  if (!certificate.ca) throw authorityUnusable(certFile, 'its certificate is not an authority')
  return certificate
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw authorityUnusable(file, messageOf(error), error)
  })
}

/** Environment values that decide where mkcert keeps its authority. */
interface MkcertEnvironment {
  readonly CAROOT?: string | undefined
  readonly LOCALAPPDATA?: string | undefined
  readonly XDG_DATA_HOME?: string | undefined
  readonly HOME?: string | undefined
}

/**
 * The folder mkcert 1.4 keeps `rootCA.pem` and `rootCA-key.pem` in, by its `getCAROOT` rules;
 * undefined when the environment does not say.
 */
export function resolveMkcertRoot(
  platform: NodeJS.Platform,
  env: MkcertEnvironment,
): string | undefined {
  if (env.CAROOT) return env.CAROOT
  const { join } = platform === 'win32' ? win32 : posix
  const base = dataFolder(platform, env)
  return base === undefined ? undefined : join(base, 'mkcert')
}

function dataFolder(platform: NodeJS.Platform, env: MkcertEnvironment): string | undefined {
  if (platform === 'win32') return env.LOCALAPPDATA || undefined
  if (env.XDG_DATA_HOME) return env.XDG_DATA_HOME
  if (!env.HOME) return undefined
  if (platform === 'darwin') return posix.join(env.HOME, 'Library', 'Application Support')
  return posix.join(env.HOME, '.local', 'share')
}
