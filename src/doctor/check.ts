import type { DoctorWorld } from './world.ts'

export type FindingState = 'ok' | 'warn' | 'fail'

/** One thing that was looked at: a sentence, and one command or step where something is wrong. */
export interface Finding {
  readonly state: FindingState
  readonly message: string
  readonly fix?: string
}

/** One matter to look into. It changes nothing, and what it cannot tell is a finding too. */
export interface Check {
  /** Stable; `--json` names it. */
  readonly id: string
  /** The heading its findings stand under. */
  readonly title: string
  /** Longest time it may take, ms; the runner's own unless given. */
  readonly deadlineMs?: number
  /** Nothing where there is nothing to look at. Findings come in the order they are shown. */
  run(world: DoctorWorld): Promise<readonly Finding[]>
}

export function ok(message: string): Finding {
  return { state: 'ok', message }
}

/** Worth knowing; the program works. */
export function warn(message: string, fix: string): Finding {
  return { state: 'warn', message, fix }
}

/** Something does not work because of it. */
export function fail(message: string, fix: string): Finding {
  return { state: 'fail', message, fix }
}
