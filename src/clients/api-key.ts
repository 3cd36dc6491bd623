/** The header by which a client sends the key of a variable, in its own way of naming variables. */
export function keyHeaders(
  keyVariable: string | undefined,
  reference: (variable: string) => string,
): { headers?: { Authorization: string } } {
  if (keyVariable === undefined) return {}
  return { headers: { Authorization: `Bearer ${reference(keyVariable)}` } }
}

/** `${NAME}` */
export const inBraces = (variable: string): string => `\${${variable}}`

/** `${env:NAME}` */
export const inEnvBraces = (variable: string): string => `\${env:${variable}}`

/** The variable that a key is expected in, from the name of the entry: `SALLYPORT_WORK_KEY`. */
export function keyVariableOf(entryName: string): string {
  return `${entryName.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}_KEY`
}
