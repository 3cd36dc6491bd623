import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// The cheapest 2026-07-28 server there can be, so that a measurement sees the gateway and not it.
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

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  request.on('end', () => {
    const { id, method } = JSON.parse(text || '{}')
    const answer = { jsonrpc: '2.0', id, result: results[method] }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` })
})
process.on('message', () =>
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }),
)
// Whoever measures is gone.
process.on('disconnect', () => process.exit(0))
