import { existsSync } from 'node:fs'
import { findProgram, findSystemProgram, type RunCommand } from '../../lib/programs.ts'
import { findJava } from '../java.ts'
import { createJavaStore } from './java-store.ts'
import { createLinuxStore, selectLayout } from './linux-store.ts'
import { createMacosStore } from './macos-store.ts'
import { createNssStore, findNssDatabases } from './nss-store.ts'
import type { StoreKind, TrustStore } from './trust-store.ts'
import { createWindowsStore } from './windows-store.ts'

/** The machine whose stores are looked for. */
interface StoreWorld {
  readonly platform: NodeJS.Platform
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
  readonly run: RunCommand
}

/** The stores of a machine, of each kind at least one that says why there is none. */
export function findStores(kinds: readonly StoreKind[], world: StoreWorld): TrustStore[] {
  const find = { system: findSystem, nss: findNss, java: findJavaStore }
  return kinds.flatMap((kind) => find[kind](world))
}

function findSystem({ platform, environment, run }: StoreWorld): TrustStore[] {
  if (platform === 'darwin') return [createMacosStore({ run })]
  if (platform === 'win32') {
    return [createWindowsStore({ run, systemRoot: environment.SystemRoot ?? 'C:\\Windows' })]
  }
  const layout = selectLayout(existsSync)
  const searchPath = environment.PATH ?? ''
  return layout
    ? [
        createLinuxStore({
          layout,
          updater: findSystemProgram(layout.update[0] ?? '', { platform, searchPath }),
        }),
      ]
    : [
        createAbsentStore('system', {
          place: platform,
          reason: 'This system keeps its roots in a way we do not know.',
          hint: 'Add the certificate by its own documentation, or use `pnpm sallyport env`.',
        }),
      ]
}

function findNss({ platform, environment, home, run }: StoreWorld): TrustStore[] {
  const databases = findNssDatabases(platform, home)
  const certutil = findProgram('certutil', { platform, searchPath: environment.PATH ?? '' })
  if (databases.length > 0) {
    const packageHint = packageHintOf(platform)
    return databases.map((database) => createNssStore({ database, certutil, packageHint, run }))
  }
  const reason =
    platform === 'win32'
      ? "Firefox reads the system's roots here."
      : 'No Firefox profile and no Chrome database was found; browsers make theirs when they first run.'
  return [createAbsentStore('nss', { place: home, reason })]
}

function findJavaStore({ platform, environment, run }: StoreWorld): TrustStore[] {
  const java = findJava(environment, platform)
  if (java) return [createJavaStore({ java, run })]
  const { JAVA_HOME } = environment
  const reason = JAVA_HOME ? 'There is no keytool or no cacerts in it.' : 'No Java was found.'
  return [
    createAbsentStore('java', {
      place: JAVA_HOME ?? 'JAVA_HOME',
      reason,
      hint: 'Set JAVA_HOME to a JDK, if you use one.',
    }),
  ]
}

function packageHintOf(platform: NodeJS.Platform): string {
  return platform === 'darwin'
    ? 'Install it with `brew install nss`.'
    : 'Install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), mozilla-nss-tools (SUSE) or nss (Arch).'
}

/** Stands for a kind of store this machine does not have, and says why. */
function createAbsentStore(
  kind: StoreKind,
  options: { place: string; reason: string; hint?: string },
): TrustStore {
  const { place, reason, hint } = options
  return {
    kind,
    place,
    check: async () => ({ present: false, reason, hint }),
    install: () => [],
    remove: () => [],
  }
}
