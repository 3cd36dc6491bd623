/**
 * Delay before attempt number `attempt` (0 is the first retry), in ms: doubles from `firstMs` up to
 * `maxMs`, then loses up to a quarter by `random` (0..1) so that many waiters do not move as one.
 */
export function backoffDelay(
  attempt: number,
  options: { firstMs: number; maxMs: number; random: () => number },
): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt, 30))
  return Math.round(full * (1 - options.random() / 4))
}
