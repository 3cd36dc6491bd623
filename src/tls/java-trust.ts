import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import type { RunCommand } from '../lib/run-command.ts'
import { cacertsPassword, type JavaHome } from './java-home.ts'

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
