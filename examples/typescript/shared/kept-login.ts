import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What is kept between two runs, so that the owner is asked once. */
export interface KeptLogin {
  readonly clientId: string
  readonly refreshToken: string
}

const folder =
  process.env.SALLYPORT_EXAMPLES_HOME ?? join(homedir(), '.local', 'state', 'sallyport-examples')

/** One file for each profile of each issuer. */
function fileOf(issuer: string, resource: string): string {
  const name = createHash('sha256').update(`${issuer} ${resource}`).digest('hex')
  return join(folder, `${name.slice(0, 24)}.json`)
}

export async function readLogin(issuer: string, resource: string): Promise<KeptLogin | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(issuer, resource), 'utf8')) as KeptLogin
  } catch {
    // Absent or torn: then the owner is asked again.
    return undefined
  }
}

/** The refresh token is as good as a password: nobody else on this machine may read the file. */
export async function keepLogin(
  login: KeptLogin,
  { issuer, resource }: { issuer: string; resource: string },
): Promise<void> {
  const file = fileOf(issuer, resource)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, `${JSON.stringify(login)}\n`, { mode: 0o600 })
  await rename(temporary, file)
}
