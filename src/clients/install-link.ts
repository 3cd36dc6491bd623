/** A deep link with the entry as JSON, as percent-encoded base64. */
export function base64Link(
  prefix: string,
  { name, entry }: { name: string; entry: object },
): string {
  const config = Buffer.from(JSON.stringify(entry)).toString('base64')
  return `${prefix}?name=${encodeURIComponent(name)}&config=${encodeURIComponent(config)}`
}

/** A deep link with the entry as percent-encoded JSON. */
export function jsonLink(prefix: string, { name, entry }: { name: string; entry: object }): string {
  const config = encodeURIComponent(JSON.stringify(entry))
  return `${prefix}?name=${encodeURIComponent(name)}&config=${config}`
}
