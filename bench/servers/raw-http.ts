import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Era } from '../../src/mcp/wire/protocol.ts'
import { rawAnswer } from './raw-answers.ts'

// A raw server over streamable HTTP: node raw-http.ts legacy|modern [many]
const [era, many] = process.argv.slice(2)
let sessions = 0

function answer(text: string, incoming: IncomingMessage, response: ServerResponse): void {
  const message = JSON.parse(text)
  if (message.params?.name === 'stream') return void stream(message, response)
  const body = rawAnswer(era as Era, message, many !== undefined)
  if (body === undefined) return void response.writeHead(202).end()
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (message.method === 'initialize' && era === 'legacy') {
    sessions += 1
    headers['mcp-session-id'] = `raw-${sessions}`
  } else if (era === 'legacy' && incoming.headers['mcp-session-id'] === undefined) {
    return void response.writeHead(400).end()
  }
  response.writeHead(200, headers).end(body)
}

/** A word before the answer, which comes a little later. */
function stream({ id, params }: { id: number; params: object }, response: ServerResponse): void {
  const { _meta } = params as { _meta?: { progressToken?: unknown } }
  const progress = { progressToken: _meta?.progressToken, progress: 1 }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(
    `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: progress })}\n\n`,
  )
  setTimeout(() => {
    const body = rawAnswer(era as Era, { id, method: 'tools/call', params: { name: 'echo' } })
    response.end(`data: ${body}\n\n`)
  }, 20)
}

const server = createServer((incoming, response) => {
  if (incoming.method !== 'POST') {
    return void response.writeHead(incoming.method === 'DELETE' ? 200 : 405).end()
  }
  let text = ''
  incoming.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  incoming.on('end', () => answer(text, incoming, response))
})
server.listen(0, '127.0.0.1', () => {
  console.log(
    JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` }),
  )
})
