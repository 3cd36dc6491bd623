import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { tellUsage } from './tell-usage.ts'

// What a proxy in Node costs at the least: one request in, one `undici` request out, streamed back.
const target = new URL(process.argv[2] ?? '')
const pool = new Pool(target.origin, { connections: 64 })
const server = createServer((request, response) => {
  pool.stream(
    {
      path: target.pathname,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request,
    },
    ({ statusCode, headers }) => response.writeHead(statusCode, headers as Record<string, string>),
    (error) => error && response.destroy(error),
  )
})
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  tellUsage(url, () => process.exit(0))
})
