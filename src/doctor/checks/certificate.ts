import { createPrivateKey } from 'node:crypto'
import { join } from 'node:path'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { listOf } from '../../lib/wording.ts'
import { authorityFiles, resolveMkcertRoot } from '../../tls/authority.ts'
import {
  coversName,
  daysLeft,
  renewBeforeMs,
  timeLeft,
  validityProblem,
} from '../../tls/certificate.ts'
import { type CertificateFiles, readCertificateFiles } from '../../tls/certificate-files.ts'
import { ownCertificateFiles, servedNames } from '../../tls/configured-certificate.ts'
import type { LocalFiles, LocalPair } from '../../tls/local-files.ts'
import { listenedOn, resolveLeafNames } from '../../tls/local-names.ts'
import { permittedNamesOf } from '../../tls/name-constraints.ts'
import { defaultCaRoot } from '../../tls/own-authority.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { configOf, type DoctorWorld, localFilesOf, namePath } from '../world.ts'

const renew = 'pnpm sallyport certs renew'

/** Whether the files of the local certificate belong together and are good for what is served. */
export const certificate: Check = {
  id: 'certificate',
  title: 'Certificate',
  async run(world) {
    const config = configOf(world)
    if (!config?.https || config.tunnel === 'none') return []
    const own = ownCertificateFiles(config)
    if (own) return judgeOwnFiles({ ...own, now: world.now() })
    const files = await localFilesOf(world)
    const { leaf, authority } = files
    if (!leaf || !authority) return [await describeAbsence(files, world)]
    const problems = [
      ...judgePair(leaf, files, world),
      ...(files.addresses ? judgePair(files.addresses, files, world) : []),
      ...(await judgeAuthority(files, { config, world })),
      ...judgeNames(files, { config, world }),
    ]
    return problems.length > 0 ? unique(problems) : [describe(leaf, world)]
  },
}

async function judgeOwnFiles(files: CertificateFiles): Promise<Finding[]> {
  try {
    const { warnings, notAfter } = await readCertificateFiles(files)
    const day = notAfter.toISOString().slice(0, 10)
    return warnings.length > 0
      ? warnings.map(({ message, hint = '' }) => warn(message, hint))
      : [ok(`Your own certificate in ${files.certPath} is good until ${day}.`)]
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return [fail(error.message, error.hint ?? '')]
  }
}

async function describeAbsence(files: LocalFiles, world: DoctorWorld): Promise<Finding> {
  const left = await world.readText(join(files.folder, 'localhost.pem'))
  return left === undefined
    ? ok('There is no local certificate yet; the first start makes one.')
    : warn('The files of the local certificate are not complete, or damaged.', renew)
}

/** Validity, key and signature of one leaf. */
function judgePair(
  { certificate: leaf, key, certFile }: LocalPair,
  files: LocalFiles,
  world: DoctorWorld,
): Finding[] {
  const name = `The certificate in ${namePath(certFile, world)}`
  const now = world.now()
  const problem = validityProblem(leaf, now)
  if (problem) return [fail(`${name} is not valid: ${problem}.`, renew)]
  if (!matches(leaf, key)) return [fail(`${name} does not belong to the key beside it.`, renew)]
  const { authority } = files
  if (authority && !(leaf.checkIssued(authority) && leaf.verify(authority.publicKey))) {
    const ca = namePath(files.caFile, world)
    return [fail(`${name} was not signed by the authority in ${ca}, which clients trust.`, renew)]
  }
  return timeLeft(leaf, now) < renewBeforeMs
    ? [warn(`${name} expires in ${daysLeft(leaf, now)} days.`, renew)]
    : []
}

function matches(leaf: LocalPair['certificate'], key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key))
  } catch {
    // Not a key at all.
    return false
  }
}

/** An authority that was made anew signs the next certificate; until then both stand side by side. */
async function judgeAuthority(
  { authority }: LocalFiles,
  { config, world }: { config: ResolvedConfig; world: DoctorWorld },
): Promise<Finding[]> {
  const { caRoot, mkcertEnvironment } = config.tls
  const mkcertRoot = resolveMkcertRoot(world.platform, mkcertEnvironment)
  const roots = caRoot !== undefined ? [caRoot] : [mkcertRoot, defaultCaRoot()]
  const texts = roots.flatMap((root) =>
    root ? [world.readText(authorityFiles(root).certFile)] : [],
  )
  const present = (await Promise.all(texts)).filter((text) => text !== undefined)
  const isKnown = present.some((pem) => sameCertificate(pem, authority?.toString() ?? ''))
  if (present.length === 0 || isKnown) return []
  const text =
    'The certificate authority was made anew since the local certificate was issued; the next start issues another, and whatever trusts the earlier authority must be told.'
  return [warn(text, 'pnpm sallyport certs renew && pnpm sallyport trust')]
}

function sameCertificate(a: string, b: string): boolean {
  const base64 = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, '')
  return base64(a) === base64(b)
}

/** Names that came into use after the certificate was issued. */
function judgeNames(
  { leaf, addresses, authority }: LocalFiles,
  { config, world }: { config: ResolvedConfig; world: DoctorWorld },
): Finding[] {
  const { names } = resolveLeafNames({
    names: servedNames(config, config),
    interfaces: listenedOn(config.listen.host, world.interfaces),
    permitted: authority && permittedNamesOf(authority.raw),
  })
  const covering = [leaf, addresses].filter((pair) => pair !== undefined)
  const missing = names.filter(
    (name) => !covering.some(({ certificate: leaf }) => coversName(leaf, name)),
  )
  if (missing.length === 0) return []
  const text = `The local certificate does not cover ${listOf(missing)}, so clients refuse ${missing.length === 1 ? 'that name' : 'those names'}.`
  return [fail(text, renew)]
}

function describe({ certificate: leaf }: LocalPair, world: DoctorWorld): Finding {
  return ok(
    `The local certificate covers every local name and is good for ${daysLeft(leaf, world.now())} days.`,
  )
}

function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [one.message, one])).values()]
}
