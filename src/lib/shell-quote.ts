/** `value` as one word of a POSIX shell: as it is when that is safe, else in single quotes. */
export function shellQuote(value: string): string {
  if (/^[\w/:=.,@%+-]+$/.test(value)) return value
  return `'${value.replaceAll("'", `'\\''`)}'`
}

/** `value` as one word of PowerShell, always in single quotes. */
export function powershellQuote(value: string): string {
  // PowerShell takes typographic single quotes for the plain one.
  return `'${value.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
}

/** `value` as one word of fish, always in single quotes. */
export function fishQuote(value: string): string {
  return `'${value.replaceAll(/['\\]/g, '\\$&')}'`
}

/**
 * `NAME=value` as one word of cmd.exe. What cannot stand there, a double quote or a line feed, is in
 * no path of Windows; a `%` stays as it is unless two of them enclose the name of a variable.
 */
export function cmdQuote(assignment: string): string {
  return `"${assignment.replaceAll(/["\r\n]/g, '')}"`
}
