import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { type DoctorWorld, publicOriginIn } from '../world.ts'

const toleranceMs = 60_000

/** Whether this machine's clock is right, which certificates and tokens depend on. */
export const clock: Check = {
  id: 'clock',
  title: 'Clock',
  async run(world) {
    const findings = [...(await compareWithCertificate(world)), ...(await compareWithEdge(world))]
    const isFine = findings.every(({ state }) => state === 'ok')
    const time = new Date(world.now()).toISOString().replace(/:\d\d\.\d+Z/, '')
    return isFine
      ? [ok(`It is ${time.replace('T', ' ')} UTC by this machine.`), ...findings]
      : findings
  },
}

async function compareWithCertificate(world: DoctorWorld): Promise<Finding[]> {
  const pem = await world.readText(join(world.home, 'certs', 'localhost.pem'))
  const from = pem && notBeforeOf(pem)
  if (!from || from.getTime() <= world.now()) return []
  const text = `The clock says a time before the local certificate was made (${from.toISOString().slice(0, 10)}).`
  return [fail(text, setClock(world.platform))]
}

function notBeforeOf(pem: string): Date | undefined {
  try {
    return new X509Certificate(pem).validFromDate
  } catch {
    // A damaged file is the certificate's check to report.
    return undefined
  }
}

async function compareWithEdge(world: DoctorWorld): Promise<Finding[]> {
  const origin = publicOriginIn(world)
  if (origin === undefined) return []
  const answer = await world.ask(`${origin}/health`)
  const date = answer.ok ? Date.parse(answer.header('date') ?? '') : Number.NaN
  if (Number.isNaN(date)) return []
  const skew = world.now() - date
  if (Math.abs(skew) <= toleranceMs) return [ok(`It agrees with the clock behind ${origin}.`)]
  const text = `This machine's clock is ${describe(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} the one behind ${origin}; tokens and certificates may be refused.`
  return [warn(text, setClock(world.platform))]
}

function describe(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

function setClock(platform: NodeJS.Platform): string {
  if (platform === 'win32') return 'w32tm /resync'
  return platform === 'darwin' ? 'sudo sntp -sS time.apple.com' : 'sudo timedatectl set-ntp true'
}
