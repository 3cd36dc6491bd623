import type { X509Certificate } from 'node:crypto'
import { listOf } from '../../lib/wording.ts'
import { authorityName } from '../../tls/authority.ts'
import { parseCertificates } from '../../tls/certificate.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { type DoctorWorld, environmentCommand, localFilesOf, namePath } from '../world.ts'

/** `adds`: to the roots the program has. `replaces`: nothing else is trusted. */
const variables: Readonly<Record<string, 'adds' | 'replaces'>> = {
  NODE_EXTRA_CA_CERTS: 'adds',
  DENO_CERT: 'adds',
  CODEX_CA_CERTIFICATE: 'adds',
  SSL_CERT_FILE: 'replaces',
  REQUESTS_CA_BUNDLE: 'replaces',
  CURL_CA_BUNDLE: 'replaces',
  GIT_SSL_CAINFO: 'replaces',
}

/** Variables that turn verification off, and the values that do. */
const offSwitches: Readonly<Record<string, RegExp>> = {
  NODE_TLS_REJECT_UNAUTHORIZED: /^0$/,
  PYTHONHTTPSVERIFY: /^0$/,
  GIT_SSL_NO_VERIFY: /./,
}

/** Whether the variables that say whom to trust lead to files that are there, whole and of today. */
export const trustVariables: Check = {
  id: 'trust-variables',
  title: 'Trust',
  async run(world) {
    const { environment } = world.settings
    const set = Object.keys(variables).filter((name) => environment[name])
    const { authority } = await localFilesOf(world)
    const judged = await Promise.all(set.map((name) => judge(name, { world, authority })))
    const off = Object.entries(offSwitches)
      .filter(([name, value]) => value.test(environment[name] ?? ''))
      .map(([name]) => turnedOff(name, world))
    const problems = [...judged.flat(), ...off]
    if (problems.length > 0 || set.length === 0) return problems
    return [ok(`${listOf(set)} ${set.length === 1 ? 'leads' : 'lead'} to files that are whole.`)]
  },
}

async function judge(
  name: string,
  { world, authority }: { world: DoctorWorld; authority: X509Certificate | undefined },
): Promise<Finding[]> {
  const path = world.settings.environment[name] ?? ''
  const file = namePath(path, world)
  const fix = environmentCommand(world)
  const text = await world.readText(path)
  if (text === undefined) {
    return [
      fail(`${name} names ${file}, which cannot be read; most programs say nothing about it.`, fix),
    ]
  }
  const certificates = parse(text)
  if (certificates.length === 0)
    return [fail(`${name} names ${file}, which holds no certificate.`, fix)]
  const ours = certificates.filter(({ subject }) => subject.includes(authorityName))
  if (isStale(ours, authority)) {
    return [
      fail(`${name} names ${file}, which holds an authority of ours that has been replaced.`, fix),
    ]
  }
  const isAlone = variables[name] === 'replaces' && certificates.length === ours.length
  return isAlone
    ? [
        fail(
          `${name} names ${file}, which holds our authority and no other: it replaces the system's roots, so every other https address fails.`,
          fix,
        ),
      ]
    : []
}

function isStale(
  ours: readonly X509Certificate[],
  authority: X509Certificate | undefined,
): boolean {
  if (!authority || ours.length === 0) return false
  return ours.every(({ fingerprint256 }) => fingerprint256 !== authority.fingerprint256)
}

function parse(text: string): X509Certificate[] {
  try {
    return parseCertificates(text)
  } catch {
    // A certificate that cannot be parsed helps no program either.
    return []
  }
}

function turnedOff(name: string, { platform }: DoctorWorld): Finding {
  return warn(
    `${name} turns the verification of certificates off, so anybody may pretend to be any server.`,
    platform === 'win32' ? `Remove-Item Env:${name}` : `unset ${name}`,
  )
}
