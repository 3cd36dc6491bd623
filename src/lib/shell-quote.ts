/** `value` as one word of a POSIX shell: as it is when that is safe, else in single quotes. */
export function shellQuote(value: string): string {
  if (/^[\w/:=.,@%+-]+$/.test(value)) return value
  return `'${value.replaceAll("'", `'\\''`)}'`
}

/** `value` as one word of PowerShell, always in single quotes. */
export function powershellQuote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
