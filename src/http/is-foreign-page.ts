/** What tells of the page behind a request; `header` takes a lower-case name. */
export interface PageFacts {
  readonly method: string
  readonly header: (name: string) => string | undefined
}

/**
 * Whether a request comes from a page that may not send it. A page that names its origin is judged by
 * that; one whose browser leaves it out, as for an image or `no-cors`, by what the browser says of it
 * (W3C Fetch Metadata 2). Following a link or typing the address is everybody's. Programs that are no
 * browsers send none of this. Every port of this machine is the same site to a browser.
 */
export function isForeignPage(
  { method, header }: PageFacts,
  allows: (origin: string) => boolean,
): boolean {
  const origin = header('origin')
  if (origin !== undefined) return !allows(origin)
  const site = header('sec-fetch-site')
  if (site === undefined || site === 'same-origin') return false
  const isVisit = method === 'GET' && header('sec-fetch-mode') === 'navigate'
  return !isVisit || header('sec-fetch-dest') !== 'document'
}
