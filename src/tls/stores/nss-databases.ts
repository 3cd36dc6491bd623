import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate database of a browser. */
export interface NssDatabase {
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
