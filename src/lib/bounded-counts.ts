/** Counts what is open by whose it is, up to a bound for each. */
export function createBoundedCounts(max: number) {
  const open = new Map<string, number>()
  return {
    /** Counts one more until the result is called; undefined when that would be too many. */
    enter(key: string): (() => void) | undefined {
      const count = open.get(key) ?? 0
      if (count >= max) return undefined
      open.set(key, count + 1)
      return () => {
        const left = (open.get(key) ?? 1) - 1
        if (left > 0) open.set(key, left)
        else open.delete(key)
      }
    },
  }
}
