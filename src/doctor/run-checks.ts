import { messageOf } from '../errors.ts'
import { wait } from '../lib/clock.ts'
import { type Check, type Finding, type FindingState, warn } from './check.ts'
import type { DoctorWorld } from './world.ts'

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

export interface RunChecksOptions {
  readonly checks: readonly Check[]
  readonly world: DoctorWorld
  /** Takes secrets out of what is said. */
  readonly redact: (text: string) => string
  /** Longest time of a check that sets none of its own, ms. */
  readonly deadlineMs: number
}

/** Runs all checks at once. One that hangs or breaks becomes a finding; this never rejects. */
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
  { world, deadlineMs }: RunChecksOptions,
): Promise<readonly Finding[]> {
  const ms = check.deadlineMs ?? deadlineMs
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
