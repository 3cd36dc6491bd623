import type { Sender } from '../../origin/client-address.ts'

interface Window {
  count: number
  readonly endsAt: number
}

/**
 * How often something may be done. What comes from this machine counts apart from all others.
 * @param options.each how often for one sender, far below `all`, which is for all of them
 */
export function createSenderBudget(options: {
  each: number
  all: number
  windowMs: number
  now: () => number
}) {
  const { each, all, windowMs, now } = options
  const windows = new Map<string, Window>()

  function countOf(key: string): number {
    const found = windows.get(key)
    return found && found.endsAt > now() ? found.count : 0
  }

  function count(key: string): void {
    const found = windows.get(key)
    if (found && found.endsAt > now()) found.count += 1
    else windows.set(key, { count: 1, endsAt: now() + windowMs })
  }

  /** Whether nothing is left for the sender. */
  function isSpent({ isLocal, key }: Sender): boolean {
    if (isLocal) return countOf('local') >= all
    return countOf('strangers') >= all || countOf(`stranger ${key}`) >= each
  }

  return {
    isSpent,
    /** Counts one more; false when the sender, or everybody together, has no more. */
    take(sender: Sender): boolean {
      if (isSpent(sender)) return false
      for (const [key, { endsAt }] of windows) if (endsAt <= now()) windows.delete(key)
      if (sender.isLocal) count('local')
      else for (const key of ['strangers', `stranger ${sender.key}`]) count(key)
      return true
    },
    /** Gives everybody everything back. */
    clear: () => windows.clear(),
  }
}
