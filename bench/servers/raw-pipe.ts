import { spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

// What a bridge to stdio costs at the least: the body of each POST is a line, each line an answer, under
// ids of the bridge's own.  node raw-pipe.ts COMMAND ARGUMENTS…
const [command = '', ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
const waiting = new Map<number, { response: ServerResponse; id: unknown }>()
let lastId = 0

createInterface({ input: child.stdout }).on('line', (line) => {
  const message = JSON.parse(line)
  const asked = waiting.get(message.id)
  if (!asked) return
  waiting.delete(message.id)
  const headers = { 'content-type': 'application/json', 'mcp-session-id': 'pipe' }
  asked.response.writeHead(200, headers).end(JSON.stringify({ ...message, id: asked.id }))
})
const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  request.on('end', () => {
    const message = JSON.parse(text)
    if (message.id === undefined) {
      child.stdin.write(`${text}\n`)
      return void response.writeHead(202).end()
    }
    lastId += 1
    waiting.set(lastId, { response, id: message.id })
    child.stdin.write(`${JSON.stringify({ ...message, id: lastId })}\n`)
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` }))
})
process.once('exit', () => child.kill())
