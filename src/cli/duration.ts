import { UserError } from '../errors.ts'

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a duration such as `30d`, `12h` or `45m`, in ms.
 * @throws UserError USAGE
 */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const ms = Number(count) * (units[unit] ?? 0)
  if (ms > 0) return ms
  throw new UserError('USAGE', `${JSON.stringify(text)} is not a duration.`, {
    hint: 'Write minutes, hours or days: 45m, 12h, 30d.',
  })
}
