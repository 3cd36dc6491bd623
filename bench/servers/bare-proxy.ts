import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

// What a proxy in Node costs at the least: one request in, one `undici` request out, streamed back.
//   node bare-proxy.ts URL [CERT_FILE KEY_FILE]
const [address, cert, key] = process.argv.slice(2)
const target = new URL(address ?? '')
const pool = new Pool(target.origin, { connections: 64 })
const passed = ['content-type', 'accept', 'mcp-session-id', 'mcp-protocol-version']

const handle: RequestListener = (request, response) => {
  const headers: Record<string, string> = {}
  for (const name of passed) {
    const value = request.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  pool.stream(
    { path: target.pathname, method: 'POST', headers, body: request },
    (answer) => response.writeHead(answer.statusCode, answer.headers as Record<string, string>),
    (error) => error && response.destroy(error),
  )
}
const server =
  cert && key
    ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, handle)
    : createServer(handle)
server.listen(0, '127.0.0.1', () => {
  const scheme = cert ? 'https' : 'http'
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ url: `${scheme}://127.0.0.1:${port}/mcp` }))
})
