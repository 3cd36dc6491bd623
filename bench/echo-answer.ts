const capabilities = { tools: {} }
const inputSchema = { type: 'object', properties: { text: { type: 'string' } } }
const results: Record<string, object> = {
  'server/discover': { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities },
  'tools/list': {
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
    tools: [{ name: 'echo', inputSchema }],
  },
  'tools/call': { resultType: 'complete', content: [{ type: 'text', text: 'hello' }] },
}

/** What the cheapest 2026-07-28 server there can be answers. */
export function echoAnswer({ id, method }: { id: unknown; method: string }) {
  return { jsonrpc: '2.0', id, result: results[method] }
}
