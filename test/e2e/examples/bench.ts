import type { Checklist } from '../checklist.ts'
import type { FakeBrowser } from '../fake-browser.ts'
import type { CommandResult } from '../run-command.ts'
import type { TokenRow } from './token-rows.ts'

/** The examples of one language. */
export interface ExampleSet {
  /** Names of the examples, the one that asks no model first. */
  readonly names: readonly string[]
  /** Those that know `--hosted`. */
  readonly hosted: readonly string[]
  run(
    name: string,
    options: { args?: readonly string[]; environment: Record<string, string> },
  ): Promise<CommandResult>
  /** The variables that make a program trust these authorities. */
  trust(files: { caFile: string; bundleFile: string }): Record<string, string>
  /** What the message about an untrusted certificate must name. */
  readonly trustVariable: string
  /** The shared helper's verdict on each token: true when it takes it. */
  verify(rows: readonly TokenRow[]): Promise<readonly boolean[]>
}

/** What every check works with. */
export interface Bench {
  readonly list: Checklist
  readonly examples: ExampleSet
  readonly browser: FakeBrowser
  readonly scratch: string
}

const loginLimitMs = 60_000

/** Aborted when a program ends, or takes too long to open a browser. */
export function endOf(running: Promise<unknown>): { signal: AbortSignal } {
  const ended = new AbortController()
  void running.finally(() => ended.abort(new Error('it ended without opening a browser')))
  return { signal: AbortSignal.any([ended.signal, AbortSignal.timeout(loginLimitMs)]) }
}

/** A bare environment: no certificate variable of this machine may vouch for the gateway. */
export function environmentFor(
  { browser, scratch }: Bench,
  { url, home }: { url: string; home: string },
): Record<string, string> {
  return {
    ...browser.environment,
    HOME: scratch,
    SALLYPORT_URL: url,
    SALLYPORT_EXAMPLES_HOME: home,
  }
}
