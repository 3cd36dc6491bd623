import { unwatchFile, watchFile } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createSerial } from '../lib/serial.ts'
import { type CertificateFiles, readCertificateFiles } from './certificate-files.ts'
import { type IssueOptions, obtainIssuedCertificate } from './issued-certificate.ts'
import { leafFiles } from './leaf.ts'
import type { NetworkInterfaces } from './local-names.ts'
import { defaultCaRoot } from './own-authority.ts'
import type { ServedCertificate } from './served-certificate.ts'
import {
  type CombineOptions,
  createTrustFiles,
  readRootCertificates,
  type TrustFiles,
} from './trust-files.ts'

const checkEveryMs = 3_600_000
const watchEveryMs = 500
/** Whoever writes a pair writes four files; it is whole once none of them has changed for so long, ms. */
const settleMs = 700

/** What the local certificate is made from, and the world it lives in. */
export interface LocalCertificateOptions {
  /** Absolute path of the folder for state (`.sallyport`); files go to `certs` in it. */
  readonly home: string
  /** The resolved configuration's `tls`. An explicit `caRoot` also means: not mkcert's authority. */
  readonly tls: {
    readonly certPath: string | undefined
    readonly keyPath: string | undefined
    readonly caPath: string | undefined
    readonly caRoot: string | undefined
  }
  /** Where mkcert keeps its authority (`resolveMkcertRoot`); undefined ignores mkcert. */
  readonly mkcertRoot: string | undefined
  /** `os.hostname()`. A new authority may sign for it if it has a domain. */
  readonly hostname: string
  /** Names in use beyond localhost, DNS names or addresses, without a port; asked at every check. */
  readonly names: () => readonly string[]
  /** `os.networkInterfaces`, or less where the LAN does not matter. */
  readonly interfaces: () => NetworkInterfaces
  /** The roots (PEM) the bundle adds to; all this process could trust unless given. */
  readonly readRoots?: () => Promise<readonly string[]>
  /** Variables of the environment that may name further authorities; none unless given. */
  readonly combine?: CombineOptions
  readonly clock: Clock
  readonly logger: Logger
}

/** The certificate of the local HTTPS listeners, kept fit to be served. */
export type LocalCertificate = Awaited<ReturnType<typeof createLocalCertificate>>

/**
 * Loads or makes the local certificate, and checks it every hour and whenever its files change: the
 * user's own, or those that `sallyport certs renew` writes. Throws UserError CA_UNUSABLE, CERTIFICATE_INVALID
 * or CERTIFICATE_UNWRITABLE. The caller closes it.
 */
export async function createLocalCertificate(options: LocalCertificateOptions) {
  const { clock, logger, readRoots = readRootCertificates } = options
  const { combine = { environment: {}, variables: [] } } = options
  const trust = createTrustFiles(certificatesFolder(options.home), { readRoots, logger, combine })
  const listeners = new Set<(certificate: ServedCertificate) => void>()
  let served = await obtain(options, { trust, force: false })
  // One after the other: two at once would write two pairs into the same files.
  const serial = createSerial()

  async function refreshNow(force: boolean): Promise<'kept' | 'renewed'> {
    const next = await obtain(options, { trust, force })
    const isSame = pemOf(next) === pemOf(served)
    served = next
    if (isSame) return 'kept'
    logger.info('serves another certificate', { fingerprint: next.fingerprint256 })
    for (const listener of listeners) listener(next)
    return 'renewed'
  }

  const refresh = (force: boolean) => serial(() => refreshNow(force))

  const checkInBackground = () => {
    refresh(false).catch((error: unknown) =>
      logger.warn('certificate not checked', { reason: messageOf(error) }),
    )
  }
  const stopTimer = clock.every(checkEveryMs, checkInBackground)
  const stopWatching = watchFiles(watchedFiles(options), checkInBackground)

  return {
    current: () => served,
    /**
     * Looks at everything again and replaces what is no longer good. Throws a UserError when that
     * fails; what was served goes on being served.
     */
    check: () => refresh(false),
    /** Issues a new leaf whatever the old one is like; the user's own files are only read again. */
    renew: async (): Promise<void> => {
      await refresh(true)
    },
    /** Calls `listener` after every change of what is served; the returned function stops that. */
    onRenewed: (listener: (certificate: ServedCertificate) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** Certificate of the authority; undefined while the root of the user's own is not known. */
    get caFile() {
      return served.caCertPem && trust.caFile
    },
    /** The system's roots and that certificate; see `bundleWritten`. */
    get bundleFile() {
      return served.caCertPem && trust.bundleFile
    },
    /** By variable of the environment: the file with ours and what the variable names already. */
    get combinedFiles() {
      return served.caCertPem ? trust.combinedFiles : {}
    },
    /** Resolves when `bundleFile` and `combinedFiles`, written in the background, are up to date. */
    bundleWritten: trust.bundleWritten,
    /** Stops checking and waits for what is under way. Safe to call twice. */
    close: async (): Promise<void> => {
      stopTimer()
      stopWatching()
      await serial(() => {})
      // Its failure has been logged, and concerns whoever waits for the bundle.
      await trust.bundleWritten().catch(() => {})
    },
  }
}

function pemOf({ cert, key, forAddresses }: ServedCertificate): string {
  return [cert, key, forAddresses?.cert, forAddresses?.key].join()
}

async function obtain(
  options: LocalCertificateOptions,
  { trust, force }: { trust: TrustFiles; force: boolean },
): Promise<ServedCertificate> {
  const now = options.clock.now()
  const own = ownFiles(options)
  const certificate = own
    ? await readCertificateFiles({ ...own, now })
    : await obtainIssuedCertificate(issueOptions(options), { now, force })
  if (certificate.caCertPem) await trust.update(certificate.caCertPem)
  return certificate
}

/** What to read when the certificate is the user's own. */
export function ownFiles({
  tls: { certPath, keyPath, caPath },
  mkcertRoot,
  readRoots = readRootCertificates,
}: Pick<LocalCertificateOptions, 'tls' | 'mkcertRoot' | 'readRoots'>):
  | Omit<CertificateFiles, 'now'>
  | undefined {
  if (certPath === undefined || keyPath === undefined) return undefined
  return { certPath, keyPath, caPath, mkcertRoot, readRoots }
}

function watchedFiles(options: LocalCertificateOptions): string[] {
  const own = ownFiles(options)
  if (own) return [own.certPath, own.keyPath, ...(own.caPath === undefined ? [] : [own.caPath])]
  const folder = certificatesFolder(options.home)
  return (['localhost', 'addresses'] as const).flatMap((file) =>
    Object.values(leafFiles({ folder, file })),
  )
}

function issueOptions(options: LocalCertificateOptions): IssueOptions {
  return {
    ...authorityRoots(options.tls, options.mkcertRoot),
    folder: certificatesFolder(options.home),
    hostname: options.hostname,
    names: options.names(),
    interfaces: options.interfaces(),
    logger: options.logger,
  }
}

/** Where the authority may be; a folder that was named leaves mkcert's out. */
export function authorityRoots(
  { caRoot }: Pick<LocalCertificateOptions['tls'], 'caRoot'>,
  mkcertRoot: string | undefined,
): Pick<IssueOptions, 'caRoot' | 'mkcertRoot'> {
  return caRoot === undefined
    ? { caRoot: defaultCaRoot(), mkcertRoot }
    : { caRoot, mkcertRoot: undefined }
}

/** Where a project's certificates are, and the files for those who are to trust them. */
export function certificatesFolder(home: string): string {
  return join(home, 'certs')
}

// Polled by name, because renewal tools replace files and links rather than write into them.
function watchFiles(paths: readonly string[], onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined
  const onWritten = () => {
    clearTimeout(settling)
    settling = setTimeout(onChange, settleMs).unref()
  }
  for (const path of paths) {
    watchFile(path, { interval: watchEveryMs, persistent: false }, onWritten)
  }
  return () => {
    clearTimeout(settling)
    for (const path of paths) unwatchFile(path, onWritten)
  }
}
