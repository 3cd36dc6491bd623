import { settlesWithin } from '../../lib/clock.ts'
import { createEmergencyExit, type StopReason, watchStopReasons } from '../stop-reasons.ts'
import { exitCodeOf, failureEvent, formatFailure } from '../ui/failure.ts'
import { type DevStart, startDev } from './dev-start.ts'
import type { DevWorld } from './dev-world.ts'

/**
 * Runs the gateway and its companions until something asks it to stop, then undoes everything in
 * the opposite order. Resolves with the exit code; failures are printed, not thrown.
 */
export async function runDev(world: DevWorld): Promise<number> {
  const stop = Promise.withResolvers<StopReason>()
  let isStopping = false
  const forced = Promise.withResolvers<130>()
  const emergency = createEmergencyExit(world.process)
  const watch = watchStopReasons(
    {
      onStop(reason) {
        // The first reason decides; a bug on the way out is told all the same.
        if (isStopping && reason.kind === 'bug') tellFailure(reason.error, world)
        if (isStopping) return
        isStopping = true
        world.output.progress(world.keys ? 'Stopping; Ctrl-C again stops at once' : 'Stopping')
        stop.resolve(reason)
      },
      onForce: () => forced.resolve(130),
    },
    world,
  )
  const undo = new AsyncDisposableStack()
  const stopping = new AbortController()
  void stop.promise.then(() => stopping.abort())
  const run = runUntilStopped({
    world,
    undo,
    emergency,
    stop,
    signal: stopping.signal,
    interrupt: watch.interrupt,
  })
  const code = await Promise.race([run, forced.promise])
  emergency.act()
  watch.close()
  world.output.progress(undefined)
  return code
}

async function runUntilStopped(context: DevStart): Promise<number> {
  const { world, stop, signal } = context
  try {
    await startDev(context)
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) {
      tellFailure(error, world)
      await undoAll(context)
      return exitCodeOf(error)
    }
  }
  const reason = await stop.promise
  if (reason.kind === 'bug') tellFailure(reason.error, world)
  const undone = await undoAll(context)
  const words = describeReason(reason)
  world.output.event({ event: 'stopped', reason: words })
  world.output.talk(words === 'SIGINT' ? '  Stopped.' : `  Stopped: ${words}.`)
  return undone && (reason.kind === 'signal' || reason.kind === 'stdin') ? 0 : 1
}

/** Undoes what was started; `false` when a step failed or took too long, which is told. */
async function undoAll({ world, undo }: DevStart): Promise<boolean> {
  const undoing = undo.disposeAsync()
  const inTime = await settlesWithin(undoing, world.stopDeadlineMs)
  world.output.progress(undefined)
  if (!inTime) {
    const seconds = world.stopDeadlineMs / 1000
    world.output.talk(`  Something did not stop within ${seconds} s and is left to the system.`)
    return false
  }
  try {
    await undoing
    return true
  } catch (error) {
    tellFailure(error, world)
    return false
  }
}

function tellFailure(error: unknown, { output }: DevWorld): void {
  output.progress(undefined)
  output.event(failureEvent(error))
  output.talk(formatFailure(error, output.stderr))
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
