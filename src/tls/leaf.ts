import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../lib/logger.ts'
import type { Authority } from './authority.ts'
import { renewalReason } from './certificate.ts'
import { generateKeyPem, tightenKeyFile } from './private-key.ts'
import { updateHomeFile } from './trust-files.ts'

/** `localhost` is for connections that name their host, `addresses` for those that do not. */
export type LeafFile = 'localhost' | 'addresses'

/** The certificate a project serves, as PEM, and where it is kept. */
export interface Leaf {
  readonly cert: string
  readonly key: string
  readonly certificate: X509Certificate
  readonly certFile: string
  readonly keyFile: string
}

interface LeafOptions {
  readonly folder: string
  /** Base name of its two files. */
  readonly file: LeafFile
  readonly authority: Authority
  readonly names: readonly string[]
  /** Ms since the epoch. */
  readonly now: number
  /** Issues a new one even if the old one is good. */
  readonly force: boolean
  readonly logger: Logger
}

/**
 * Returns the leaf in `folder` while it is good, else a new one that replaces it there: it is ours,
 * so a damaged one is no failure. Throws UserError CERTIFICATE_UNWRITABLE.
 */
export async function ensureLeaf(options: LeafOptions): Promise<Leaf> {
  const kept = await readLeaf(options)
  const reason = options.force ? 'it was asked for' : reasonToIssue(kept, options)
  if (kept && !reason) {
    await tightenKeyFile(kept.keyFile)
    return kept
  }
  options.logger.info('issues a certificate', { reason, names: options.names })
  return issueAndWrite(options)
}

function reasonToIssue(kept: Leaf | undefined, options: LeafOptions): string | undefined {
  if (!kept) return 'there is none that can be read'
  const { certificate, key } = kept
  const authority = options.authority.certificate
  return renewalReason(
    {
      certificate,
      keyMatches: certificate.checkPrivateKey(createPrivateKey(key)),
      signedByAuthority:
        certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    },
    { names: options.names, authorityNotAfter: authority.validToDate, now: options.now },
  )
}

async function issueAndWrite({ folder, file, authority, names, now }: LeafOptions): Promise<Leaf> {
  const { issueLeaf } = await import('./issue.ts')
  const files = leafFiles({ folder, file })
  const key = generateKeyPem()
  const cert = await issueLeaf(createPrivateKey(key), { authority, names, now })
  await updateHomeFile(files.keyFile, key, { mode: 0o600 })
  await updateHomeFile(files.certFile, cert, { mode: 0o644 })
  return { cert, key, certificate: new X509Certificate(cert), ...files }
}

async function readLeaf(options: LeafOptions): Promise<Leaf | undefined> {
  const files = leafFiles(options)
  try {
    const cert = await readFile(files.certFile, 'utf8')
    const key = await readFile(files.keyFile, 'utf8')
    createPrivateKey(key)
    return { cert, key, certificate: new X509Certificate(cert), ...files }
  } catch {
    // Missing, unreadable or damaged: a new one replaces it, and says so if it cannot.
    return undefined
  }
}

/** Where the two files of a leaf are. */
export function leafFiles({ folder, file }: Pick<LeafOptions, 'folder' | 'file'>) {
  return {
    certFile: join(folder, `${file}.pem`),
    keyFile: join(folder, `${file}-key.pem`),
  }
}
