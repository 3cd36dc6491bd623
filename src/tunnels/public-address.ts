/** The origin of an address that a service or a program gave out; undefined when it is none. */
export function parsePublicAddress(text: string): URL | undefined {
  const url = URL.parse(text)
  return url && /^https?:$/.test(url.protocol) ? new URL(url.origin) : undefined
}
