import { parseAccept } from 'hono/utils/accept'

/** What tells of the page behind a request; `header` takes a lower-case name. */
interface PageFacts {
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

// What an MCP client sends besides Accept; a browser that follows a link sends none of it.
const clientHeaders = [
  'authorization',
  'mcp-protocol-version',
  'mcp-session-id',
  'mcp-method',
  'mcp-name',
  'last-event-id',
]

/**
 * Whether a GET is somebody opening an address in a browser: HTML is what it would rather have, it
 * names no event stream, and nothing of MCP is in it. `*` is not asking for HTML.
 */
export function isBrowserVisit(header: (name: string) => string | undefined): boolean {
  if (clientHeaders.some((name) => header(name) !== undefined)) return false
  const wanted = parseAccept(header('accept') ?? '').filter(({ q }) => q > 0)
  const types = wanted.map(({ type }) => type.toLowerCase())
  if (types.includes('text/event-stream')) return false
  // The parser sorts by weight, and leaves equal ones as they were sent.
  const best = types.find((type) => type === 'text/html' || type === 'application/json')
  return best === 'text/html'
}
