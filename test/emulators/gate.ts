import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A loopback port in front of a server, which can be taken away and misbehave on demand. */
export interface Gate {
  readonly port: number
  /** Nobody listens any more: connections are refused, open ones cut. */
  refuse(): Promise<void>
  /** Connections are taken, and nothing is read or answered; open ones freeze. */
  silence(): void
  /** Back to work, on the same port. */
  restore(): Promise<void>
  /** Cuts the open connections. */
  dropSockets(): void
  close(): Promise<void>
}

/** Opens a gate on a free port, or on `port`, that hands sockets to `onSocket`. */
export async function openGate(
  onSocket: (socket: Socket) => void,
  options: { port?: number } = {},
): Promise<Gate> {
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    if (silent) socket.pause()
    else onSocket(socket)
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo

  function dropSockets(): void {
    // Not by a reset, which waits for the last write: with TLS around it that may never end.
    for (const socket of sockets) socket.destroy()
  }
  async function refuse(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    dropSockets()
    await closed
  }
  return {
    port,
    refuse,
    dropSockets,
    silence() {
      silent = true
      for (const socket of sockets) {
        socket.pause()
        // Whoever reads the socket would resume it.
        socket.removeAllListeners('data').removeAllListeners('readable')
      }
    },
    async restore() {
      if (silent) dropSockets()
      silent = false
      if (!server.listening) await listen(port)
    },
    close: refuse,
  }
}
