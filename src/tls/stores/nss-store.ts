import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RunCommand } from '../../lib/programs.ts'
import { parseCertificates } from '../certificate.ts'
import { type StoredCertificate, shortFingerprint, type TrustStore } from './trust-store.ts'

/** The database of one browser profile, by NSS's own certutil. */
export function createNssStore(options: {
  database: NssDatabase
  /** Undefined when it is not installed. */
  certutil: string | undefined
  /** Which package has it. */
  packageHint: string
  run: RunCommand
}): TrustStore {
  const { database, run } = options
  const certutil = options.certutil ?? 'certutil'
  const onDatabase = (...args: string[]) => [
    certutil,
    ...args.slice(0, 1),
    '-d',
    database.name,
    ...args.slice(1),
  ]
  return {
    kind: 'nss',
    place: database.folder,
    async check() {
      if (options.certutil === undefined) {
        const reason = `${database.browser} keeps its own roots there, and certutil of NSS is not installed.`
        return { present: false, reason, hint: options.packageHint }
      }
      const list = await run(onDatabase('-L'))
      if (list.code !== 0) return { present: false, reason: list.stderr.trim() }
      const certificates: StoredCertificate[] = []
      for (const { nickname, flags } of parseList(list.stdout)) {
        const { stdout } = await run(onDatabase('-L', '-a', '-n', nickname))
        const isTrusted = flags.includes('C')
        for (const certificate of parseCertificates(stdout)) {
          certificates.push({ certificate, isTrusted, handle: nickname })
        }
      }
      return { present: true, certificates }
    },
    install({ certificate, file }) {
      const nickname = `Sallyport ${shortFingerprint(certificate)}`
      return [{ argv: onDatabase('-A', '-t', 'C,,', '-n', nickname, '-i', file), asRoot: false }]
    },
    remove: (certificates) =>
      certificates.map(({ handle }) => ({ argv: onDatabase('-D', '-n', handle), asRoot: false })),
  }
}

/**
 * The authorities in the list that `certutil -L` prints: a nickname and the flags for TLS, mail and
 * code, of which only those for TLS matter.
 */
function parseList(text: string): { nickname: string; flags: string }[] {
  return [...text.matchAll(/^(.*\S) +([a-zA-Z]*),[a-zA-Z]*,[a-zA-Z]* *$/gm)]
    .map(([, nickname = '', flags = '']) => ({ nickname, flags }))
    .filter(({ nickname }) => /sallyport|mkcert/i.test(nickname))
}

/** A certificate database of a browser. */
interface NssDatabase {
  readonly browser: 'Firefox' | 'Chrome'
  readonly folder: string
  /** As certutil names it, with the kind of database in front. */
  readonly name: string
}

/** Folders whose every subfolder may be a Firefox profile, below the user's home. */
const firefoxRoots: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    '.mozilla/firefox',
    '.config/mozilla/firefox',
    'snap/firefox/common/.mozilla/firefox',
    '.var/app/org.mozilla.firefox/.mozilla/firefox',
    '.var/app/org.mozilla.firefox/config/mozilla/firefox',
  ],
  darwin: ['Library/Application Support/Firefox/Profiles'],
}

/** Databases that Chrome, Chromium and their like read on Linux, below the user's home. */
const chromeFolders = [
  '.pki/nssdb',
  '.local/share/pki/nssdb',
  'snap/chromium/current/.pki/nssdb',
  '.var/app/org.chromium.Chromium/.pki/nssdb',
  '.var/app/com.google.Chrome/.pki/nssdb',
  '.var/app/com.brave.Browser/.pki/nssdb',
  '.var/app/com.microsoft.Edge/.pki/nssdb',
]

/** The databases below `home`. Elsewhere than on Linux, Chrome asks the system's store. */
export function findNssDatabases(platform: NodeJS.Platform, home: string): NssDatabase[] {
  const firefox = (firefoxRoots[platform] ?? [])
    .map((folder) => join(home, folder))
    .flatMap(subfolders)
    .map((folder) => ({ browser: 'Firefox' as const, folder }))
  const chrome = (platform === 'linux' ? chromeFolders : [])
    .map((folder) => join(home, folder))
    .map((folder) => ({ browser: 'Chrome' as const, folder }))
  return [...firefox, ...chrome].flatMap((database) => {
    const name = databaseName(database.folder)
    return name === undefined ? [] : [{ ...database, name }]
  })
}

function databaseName(folder: string): string | undefined {
  if (existsSync(join(folder, 'cert9.db'))) return `sql:${folder}`
  return existsSync(join(folder, 'cert8.db')) ? `dbm:${folder}` : undefined
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    // No Firefox of this kind.
    return []
  }
}
