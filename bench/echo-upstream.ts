import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { echoAnswer } from './echo-answer.ts'
import { tellUsage } from './tell-usage.ts'

// So cheap a server that a measurement sees the gateway and not it.
const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  request.on('end', () => {
    const answer = echoAnswer(JSON.parse(text || '{}'))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
})
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  tellUsage(url, () => process.exit(0))
})
