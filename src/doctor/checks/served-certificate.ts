import type { X509Certificate } from 'node:crypto'
import { exposureOfOrigin } from '../../origin/exposure.ts'
import { daysLeft, nameIn } from '../../tls/certificate.ts'
import type { LocalFiles } from '../../tls/local-files.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import type { TlsHandshake } from '../probes.ts'
import {
  configOf,
  type DoctorWorld,
  localFilesOf,
  namePath,
  publicOriginIn,
  runningGateway,
} from '../world.ts'

/** Whether each https address serves the certificate it should, as a client would see it. */
export const servedCertificate: Check = {
  id: 'served-certificate',
  title: 'Certificate',
  async run(world) {
    const local = (runningGateway(world)?.localOrigins ?? []).filter(isHttps)
    const outside = publicOriginIn(world)
    const [files, served] = await Promise.all([
      localFilesOf(world),
      outside !== undefined && isHttps(outside) ? [await judgePublic(outside, world)] : [],
    ])
    const judged = await Promise.all(local.map((origin) => judgeLocal(origin, files, world)))
    return [...summarize(local, judged), ...served]
  },
}

function isHttps(origin: string): boolean {
  return origin.startsWith('https:')
}

async function judgeLocal(
  origin: string,
  files: LocalFiles,
  world: DoctorWorld,
): Promise<Finding | undefined> {
  const isOwn = configOf(world)?.tls.certPath !== undefined
  const shown = await world.handshake(origin, {
    ca: files.authority ? [files.authority.toString()] : [],
  })
  const isExpected = shown.certificate !== undefined && isOneOf(files, shown.certificate)
  if (shown.ok && isExpected) return undefined
  if (!shown.ok) {
    // A root that is not known here may be known to clients, and what your own certificate is made
    // for is judged with its file.
    return isOwn && isExpected && shown.code !== 'CERT_HAS_EXPIRED'
      ? undefined
      : refused(origin, shown)
  }
  return fail(
    `${origin} serves another certificate than ${namePath(files.leaf?.certFile ?? files.folder, world)} (signed by ${nameIn(shown.certificate.issuer)}).`,
    'Press r in the terminal of the gateway, which looks at its certificate again.',
  )
}

function isOneOf({ leaf, addresses }: LocalFiles, { fingerprint256 }: X509Certificate): boolean {
  return [leaf, addresses].some((pair) => pair?.certificate.fingerprint256 === fingerprint256)
}

function summarize(
  origins: readonly string[],
  judged: readonly (Finding | undefined)[],
): readonly Finding[] {
  const problems = judged.filter((finding) => finding !== undefined)
  const [first] = origins
  if (problems.length > 0 || first === undefined) return problems
  return [ok(`${first} and its other names serve that certificate.`)]
}

async function judgePublic(origin: string, world: DoctorWorld): Promise<Finding> {
  const shown = await world.handshake(origin)
  if (!shown.ok) return refused(origin, shown)
  const days = daysLeft(shown.certificate, world.now())
  return days < 14
    ? warn(
        `The certificate of ${origin} expires in ${days} days.`,
        'Renew it where TLS ends: at your proxy, or at the tunnel service.',
      )
    : ok(`${origin} serves a certificate that programs trust, good for ${days} days.`)
}

/** What a client would say, and what to do about it. */
function refused(
  origin: string,
  { code, reason, certificate }: TlsHandshake & { ok: false },
): Finding {
  const issuer = certificate ? ` (signed by ${nameIn(certificate.issuer)})` : ''
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return fail(`The certificate of ${origin} is made for other names${issuer}.`, forNames(origin))
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return fail(`The certificate of ${origin} has expired${issuer}.`, forNames(origin))
  }
  return certificate
    ? fail(
        `${origin} serves a certificate that is not trusted${issuer}: ${code}.`,
        forTrust(origin),
      )
    : fail(`No TLS connection to ${origin} could be made: ${reason}.`, 'pnpm dev:https')
}

function forNames(origin: string): string {
  return isLocal(origin)
    ? 'pnpm sallyport certs renew'
    : 'Give the proxy or tunnel in front a certificate for that name.'
}

function forTrust(origin: string): string {
  return isLocal(origin)
    ? 'Press r in the terminal of the gateway, which looks at its certificate again.'
    : 'Have the proxy in front serve its whole chain, from an authority that clients trust.'
}

function isLocal(origin: string): boolean {
  return exposureOfOrigin(origin) !== 'public'
}
