/**
 * The candidate a misspelt name most likely meant, or undefined when none is close. Case, `-` and
 * `_` do not count, and a name that contains another (`serverUrl` and `url`) is close to it.
 */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name)
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(wanted, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(1, Math.floor(wanted.length / 3))
    ? best.candidate
    : undefined
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

function distanceOf(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length >= 3 && long.includes(short)) return a === b ? 0 : 1
  return editDistance(a, b)
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
