import { settlesWithin } from '../../lib/clock.ts'
import { createEmergencyExit } from '../emergency-exit.ts'
import { type StopReason, watchStopReasons } from '../stop-reasons.ts'
import { exitCodeOf, failureEvent, formatFailure } from '../ui/failure.ts'
import type { DevDeps } from './dev-deps.ts'
import { type DevStart, startDev } from './dev-start.ts'

/**
 * Runs the gateway and its companions until something asks it to stop, then undoes everything in
 * the opposite order. Resolves with the exit code; failures are printed, not thrown.
 */
export async function runDev(deps: DevDeps): Promise<number> {
  const stop = Promise.withResolvers<StopReason>()
  let isStopping = false
  const forced = Promise.withResolvers<130>()
  const emergency = createEmergencyExit(deps.process)
  const watch = watchStopReasons(
    {
      onStop(reason) {
        // The first reason decides; a bug on the way out is told all the same.
        if (isStopping && reason.kind === 'bug') tellFailure(reason.error, deps)
        if (isStopping) return
        isStopping = true
        deps.output.progress(deps.keys ? 'Stopping; Ctrl-C again stops at once' : 'Stopping')
        stop.resolve(reason)
      },
      onForce: () => forced.resolve(130),
    },
    deps,
  )
  const undo = new AsyncDisposableStack()
  const stopping = new AbortController()
  void stop.promise.then(() => stopping.abort())
  const run = runUntilStopped({
    deps,
    undo,
    emergency,
    stop,
    signal: stopping.signal,
    interrupt: watch.interrupt,
  })
  const code = await Promise.race([run, forced.promise])
  emergency.act()
  watch.close()
  deps.output.progress(undefined)
  return code
}

async function runUntilStopped(context: DevStart): Promise<number> {
  const { deps, stop, signal } = context
  try {
    await startDev(context)
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) {
      tellFailure(error, deps)
      await undoAll(context)
      return exitCodeOf(error)
    }
  }
  const reason = await stop.promise
  if (reason.kind === 'bug') tellFailure(reason.error, deps)
  const undone = await undoAll(context)
  const words = describeReason(reason)
  deps.output.event({ event: 'stopped', reason: words })
  deps.output.talk(words === 'SIGINT' ? '  Stopped.' : `  Stopped: ${words}.`)
  return undone && (reason.kind === 'signal' || reason.kind === 'stdin') ? 0 : 1
}

/** Undoes what was started; `false` when a step failed or took too long, which is told. */
async function undoAll({ deps, undo }: DevStart): Promise<boolean> {
  const undoing = undo.disposeAsync()
  const inTime = await settlesWithin(undoing, deps.stopDeadlineMs)
  deps.output.progress(undefined)
  if (!inTime) {
    const seconds = deps.stopDeadlineMs / 1000
    deps.output.talk(`  Something did not stop within ${seconds} s and is left to the system.`)
    return false
  }
  try {
    await undoing
    return true
  } catch (error) {
    tellFailure(error, deps)
    return false
  }
}

function tellFailure(error: unknown, { output }: DevDeps): void {
  output.progress(undefined)
  output.event(failureEvent(error))
  output.talk(formatFailure(error, output.screen('stderr')))
}

function describeReason(reason: StopReason): string {
  switch (reason.kind) {
    case 'signal':
      return reason.signal
    case 'stdin':
      return 'standard input was closed'
    case 'gateway':
      return reason.reason
    case 'bug':
      return 'a bug'
  }
}
