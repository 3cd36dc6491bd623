import { parseAccept } from 'hono/utils/accept'

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
