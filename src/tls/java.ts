import { existsSync, realpathSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { UserError } from '../errors.ts'
import type { RunCommand } from '../lib/programs.ts'

/** A Java installation: its `keytool`, and the file of roots it trusts. */
export interface JavaHome {
  readonly keytool: string
  readonly cacerts: string
}

/** What Java's own file of roots is sealed with everywhere; it is no secret. */
export const cacertsPassword = 'changeit'

/**
 * Finds the Java of `JAVA_HOME`, else the one whose `keytool` is on the PATH; undefined when there is
 * none. Up to Java 8 the roots are below `jre`, and since then below `lib`.
 */
export function findJava(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): JavaHome | undefined {
  const name = platform === 'win32' ? 'keytool.exe' : 'keytool'
  const homes = [
    ...(env.JAVA_HOME ? [env.JAVA_HOME] : []),
    ...(env.PATH ?? '').split(delimiter).flatMap((folder) => homeOf(join(folder, name))),
  ]
  for (const home of homes) {
    const keytool = join(home, 'bin', name)
    const cacerts = [
      join(home, 'lib/security/cacerts'),
      join(home, 'jre/lib/security/cacerts'),
    ].find((file) => existsSync(file))
    if (cacerts !== undefined && existsSync(keytool)) return { keytool, cacerts }
  }
  return undefined
}

function homeOf(keytool: string): string[] {
  try {
    return [dirname(dirname(realpathSync(keytool)))]
  } catch {
    // No such program in that folder.
    return []
  }
}

/**
 * Makes a trust store that holds what this Java trusts and our authority, and returns its path.
 * @throws UserError CERTIFICATE_UNWRITABLE when `keytool` refuses
 */
export async function writeJavaTrustStore(options: {
  folder: string
  caFile: string
  java: JavaHome
  run: RunCommand
}): Promise<string> {
  const { folder, caFile, java, run } = options
  const store = join(folder, 'java-cacerts')
  const temporary = `${store}.new`
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await rm(temporary, { force: true })
  await copyFile(java.cacerts, temporary)
  const argv = [
    ...[java.keytool, '-importcert', '-noprompt', '-alias', 'sallyport', '-file', caFile],
    ...['-keystore', temporary, '-storepass', cacertsPassword],
  ]
  const { code, stdout, stderr } = await run(argv)
  if (code !== 0) {
    await rm(temporary, { force: true })
    throw new UserError(
      'CERTIFICATE_UNWRITABLE',
      `keytool made no trust store: ${stdout}${stderr}`,
      {
        hint: `Check that ${java.cacerts} opens with the password "${cacertsPassword}".`,
      },
    )
  }
  await rename(temporary, store)
  return store
}

/**
 * What JAVA_TOOL_OPTIONS must hold for a trust store, after what it holds already: Java splits it at
 * spaces outside of quotes, and the last of equal options counts.
 */
export function javaToolOptions(store: string, existing: string | undefined): string {
  const quoted = /[\s'"]/.test(store) ? quoteForJava(store) : store
  const ours = `-Djavax.net.ssl.trustStore=${quoted} -Djavax.net.ssl.trustStorePassword=${cacertsPassword}`
  if (!existing) return ours
  return existing.includes(ours) ? existing : `${existing} ${ours}`
}

// Quotes cannot be escaped there, but pieces in quotes of either kind may follow each other.
function quoteForJava(text: string): string {
  return (text.match(/[^"]+|"+/g) ?? [])
    .map((piece) => (piece.startsWith('"') ? `'${piece}'` : `"${piece}"`))
    .join('')
}
