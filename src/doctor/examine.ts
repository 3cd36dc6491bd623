import { messageOf } from '../errors.ts'
import { wait } from '../lib/clock.ts'
import { redactSecrets, secretValues } from '../lib/redact.ts'
import { type Check, type Finding, type FindingState, warn } from './check.ts'
import { checks as everyCheck } from './checks.ts'
import { type CreateWorldOptions, configOf, createDoctorWorld, type DoctorWorld } from './world.ts'

const deadlineMs = 4_500

/** Runs every check on the real world. */
export async function examine(options: CreateWorldOptions): Promise<DoctorReport> {
  const world = await createDoctorWorld(options)
  const secrets = secretsIn(world)
  try {
    return await runChecks({
      checks: everyCheck,
      world,
      deadlineMs,
      patience: options.patience,
      redact: (text) => redactSecrets(text, secrets),
    })
  } finally {
    await world.close()
  }
}

/** A finding, and the check it comes from. */
export interface ReportedFinding extends Finding {
  readonly check: string
  readonly title: string
}

export interface DoctorReport {
  /** In the order of the checks. */
  readonly findings: readonly ReportedFinding[]
  readonly summary: Readonly<Record<FindingState, number>>
}

interface RunChecksOptions {
  readonly checks: readonly Check[]
  readonly world: DoctorWorld
  /** Takes secrets out of what is said. */
  readonly redact: (text: string) => string
  /** Longest time of a check that sets none of its own, ms. */
  readonly deadlineMs: number
  /** Multiplies these times. */
  readonly patience?: number | undefined
}

/**
 * Runs all checks at once. One that hangs or breaks becomes a finding; this never rejects.
 * @internal
 */
export async function runChecks(options: RunChecksOptions): Promise<DoctorReport> {
  const { checks, redact } = options
  const all = await Promise.all(
    checks.map(async (check) => {
      const findings = await runCheck(check, options)
      return findings.map(({ state, message, fix }) => ({
        check: check.id,
        title: check.title,
        state,
        message: redact(message),
        ...(fix !== undefined && { fix: redact(fix) }),
      }))
    }),
  )
  const findings = all.flat()
  const count = (state: FindingState) => findings.filter((one) => one.state === state).length
  return { findings, summary: { ok: count('ok'), warn: count('warn'), fail: count('fail') } }
}

async function runCheck(
  check: Check,
  { world, deadlineMs, patience = 1 }: RunChecksOptions,
): Promise<readonly Finding[]> {
  const ms = (check.deadlineMs ?? deadlineMs) * patience
  const over = new AbortController()
  const tooSlow = wait(ms, over.signal).then(
    () => [warn(`This could not be found out within ${ms / 1000} s.`, 'pnpm sallyport doctor')],
    // The check was faster.
    () => [],
  )
  const running = check
    .run(world)
    .catch((error: unknown) => [
      warn(
        `This could not be found out: ${messageOf(error).replace(/\.$/, '')}.`,
        'pnpm sallyport doctor',
      ),
    ])
  try {
    return await Promise.race([running, tooSlow])
  } finally {
    over.abort()
  }
}

/** The secrets that settings and servers hold, so that no sentence can repeat one. */
function secretsIn(world: DoctorWorld): string[] {
  const { environment, dotenv } = world.settings
  const config = configOf(world)
  const servers = Object.values(config?.servers ?? {}).map((server) =>
    server.type === 'stdio' ? server.env : server.headers,
  )
  const signIn = (config?.auth.signIn ?? []).map(({ clientSecret }) => ({
    CLIENT_SECRET: clientSecret,
  }))
  return [environment, dotenv, ...servers, ...signIn].flatMap(secretValues)
}
