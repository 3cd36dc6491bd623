import { fstatSync } from 'node:fs'

/** Why the program is asked to stop. */
export type StopReason =
  | { kind: 'signal'; signal: NodeJS.Signals }
  | { kind: 'stdin' }
  /** The gateway stopped by itself. */
  | { kind: 'gateway'; reason: string }
  | { kind: 'bug'; error: unknown }

interface StopListeners {
  readonly onStop: (reason: StopReason) => void
  /** A second signal while stopping: quit at once. */
  readonly onForce: () => void
}

interface StopSources {
  readonly process: NodeJS.Process
  readonly now: () => number
  readonly stdin: StdinWatch
}

const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

// One Ctrl-C can arrive twice: from the terminal to the whole process group, and once more passed
// on by the package manager that started us. Only a later signal is a second wish.
const sameWishMs = 400

/** Watches for every reason to stop that comes from outside. */
export function watchStopReasons(listeners: StopListeners, sources: StopSources) {
  const { process, now, stdin } = sources
  let firstAt: number | undefined
  const stopOrForce = (reason: StopReason) => {
    if (firstAt === undefined) {
      firstAt = now()
      listeners.onStop(reason)
    } else if (now() - firstAt > sameWishMs) {
      listeners.onForce()
    }
  }
  const onSignal = (signal: NodeJS.Signals) => stopOrForce({ kind: 'signal', signal })
  const onBug = (error: unknown) => {
    firstAt ??= now()
    listeners.onStop({ kind: 'bug', error })
  }
  for (const signal of signals) process.on(signal, onSignal)
  process.on('uncaughtException', onBug)
  process.on('unhandledRejection', onBug)
  void stdin.closed.then(() => listeners.onStop({ kind: 'stdin' }))
  return {
    /** Ctrl-C as a key, which is how it arrives while the terminal is in raw mode. */
    interrupt: () => onSignal('SIGINT'),
    /** Stops watching; safe to call twice. */
    close() {
      for (const signal of signals) process.off(signal, onSignal)
      process.off('uncaughtException', onBug)
      process.off('unhandledRejection', onBug)
      stdin.release()
    },
  }
}

export interface StdinWatch {
  readonly closed: Promise<void>
  /** Reads no longer. */
  release(): void
}

/**
 * Tells when a pipe on standard input, held open by whoever started us, is closed: that is how a
 * parent that crashed, or an SSH connection that broke, looks from here. One that is at its end when
 * it is first read has nobody behind it (CI, a parent that closed it at once), so that end says
 * nothing. To be called as early as can be: what ends before is taken for that.
 */
export function watchStdin({ stdin }: Pick<NodeJS.Process, 'stdin'>): StdinWatch {
  const closed = Promise.withResolvers<void>()
  if (!isHeldOpen(stdin)) return { closed: closed.promise, release() {} }
  let hasSomebody = false
  const onEnd = () => {
    if (hasSomebody) closed.resolve()
  }
  stdin.once('end', onEnd)
  stdin.once('error', onEnd)
  stdin.resume()
  // Between the two, the event loop has read what there was to read.
  setImmediate(() =>
    setImmediate(() => {
      hasSomebody = true
    }),
  )
  return {
    closed: closed.promise,
    release() {
      stdin.off('end', onEnd)
      stdin.pause()
    },
  }
}

function isHeldOpen(stdin: NodeJS.ReadStream & { fd: number }): boolean {
  if (stdin.isTTY) return false
  try {
    const info = fstatSync(stdin.fd)
    return info.isFIFO() || info.isSocket()
  } catch {
    // Standard input was closed before we started.
    return false
  }
}

/**
 * What must happen however the process ends, also when nothing can be awaited any more: killing
 * children, giving the terminal its mode back. Every action is synchronous and safe to call twice.
 */
export type EmergencyExit = ReturnType<typeof createEmergencyExit>

/** Runs the added actions when the process exits, unless `act` did so before. */
export function createEmergencyExit(process: Pick<NodeJS.Process, 'on' | 'off'>) {
  const actions: (() => void)[] = []
  const act = () => {
    process.off('exit', act)
    for (const action of actions.splice(0).reverse()) action()
  }
  process.on('exit', act)
  return {
    add: (action: () => void) => void actions.push(action),
    /** Runs all actions now, and no more at exit. */
    act,
  }
}
