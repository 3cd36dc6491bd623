/**
 * What must happen however the process ends, also when nothing can be awaited any more: killing
 * children, giving the terminal its mode back. Every action is synchronous and safe to call twice.
 */
export interface EmergencyExit {
  add(action: () => void): void
  /** Runs all actions now, and no more at exit. */
  act(): void
}

/** Runs the added actions when the process exits, unless `act` did so before. */
export function createEmergencyExit(process: Pick<NodeJS.Process, 'on' | 'off'>): EmergencyExit {
  const actions: (() => void)[] = []
  const act = () => {
    process.off('exit', act)
    for (const action of actions.splice(0).reverse()) action()
  }
  process.on('exit', act)
  return { add: (action) => void actions.push(action), act }
}
