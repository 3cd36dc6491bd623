import type { TLSSocket } from 'node:tls'

/** Is told how each handshake of a listener ended. Must not keep or change the socket. */
export interface HandshakeObserver {
  accepted(socket: TLSSocket): void
  failed(error: NodeJS.ErrnoException, socket: TLSSocket): void
}
