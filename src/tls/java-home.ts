import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/** A Java installation: its `keytool`, and the file of roots it trusts. */
export interface JavaHome {
  readonly home: string
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
    if (cacerts !== undefined && existsSync(keytool)) return { home, keytool, cacerts }
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
