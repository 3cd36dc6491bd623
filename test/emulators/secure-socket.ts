import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { EdgeCertificate } from './certificates.ts'

/** Shakes hands as the server on a socket; `onSecure` gets the encrypted side, which ends with it. */
export function secureSocket(
  socket: Socket,
  { cert, key }: EdgeCertificate,
  onSecure: (secure: TLSSocket) => void,
): void {
  const server = createServer({ cert, key }, (secure) => {
    secure.on('error', () => secure.destroy())
    // A socket that is cut does not always tell the one around it.
    socket.once('close', () => secure.destroy())
    onSecure(secure)
  })
  server.on('tlsClientError', () => {})
  server.emit('connection', socket)
}
