import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const unreachable = [
  'HTTP/1.1 502 Bad Gateway',
  'Content-Type: text/plain',
  'Connection: close',
  '',
  'The server behind this tunnel is not running.\n',
].join('\r\n')

/**
 * Listens on a free loopback port and passes each connection on to `target`, but only from its
 * first byte on. The localtunnel client keeps ten connections open for requests to come; a server
 * answers each with 408 after a minute or so, which the edge takes for the answer to its next
 * request. It also gives up a slot for ever when its local connection is reset, and lets visitors
 * hang while there is no server: a bridge ends connections in order, and answers 502.
 * @returns the port
 */
export async function openLocalBridge(target: { host: string; port: number }): Promise<number> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (client) => {
    client.setNoDelay(true)
    client.on('error', () => client.destroy())
    client.once('end', onIdleEnd)
    client.once('data', (first: Buffer) => {
      client.off('end', onIdleEnd)
      client.pause()
      join(client, { target, first })
    })
    function onIdleEnd(): void {
      client.end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function join(
  client: Socket,
  { target, first }: { target: { host: string; port: number }; first: Buffer },
): void {
  // A half-open client is a visitor who left: the server must hear of it by the end of its socket.
  const server = connect(target)
  server.setNoDelay(true)
  let answered = false
  server.once('connect', () => {
    server.write(first)
    client.pipe(server)
    server.pipe(client)
  })
  server.once('data', () => {
    answered = true
  })
  server.on('error', () => {
    if (!answered) client.end(unreachable)
  })
  server.once('close', () => {
    client.unpipe(server)
    client.end()
    // Reading on keeps the kernel from a reset, which would cost the client a slot.
    client.resume()
  })
  client.once('close', () => server.destroy())
}
