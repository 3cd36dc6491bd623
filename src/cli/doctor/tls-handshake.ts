import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, connect, getCACertificates, type TLSSocket } from 'node:tls'
import type { Handshake } from './world.ts'

/**
 * Shakes hands with an https origin as a client would that trusts `ca` besides what programs trust
 * by default. Never rejects.
 */
export function handshake(
  origin: string,
  { ca, timeoutMs }: { ca: readonly string[]; timeoutMs: number },
): Promise<Handshake> {
  const url = new URL(origin)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const options: ConnectionOptions = {
    host,
    port: Number(url.port || 443),
    ca: [...getCACertificates('default'), ...ca],
    // RFC 6066 3: an address is never named.
    ...(isIP(host) === 0 && { servername: host }),
  }
  return new Promise((resolve) => {
    const socket = connect(options)
    const seen = watchCertificate(socket)
    const end = (result: Handshake) => {
      socket.destroy()
      resolve(result)
    }
    const failed = (code: string, reason: string) =>
      end({ ok: false, code, reason, certificate: seen() })
    socket.setTimeout(timeoutMs, () => failed('ETIMEDOUT', 'it does not answer'))
    socket.once('error', ({ code = 'ERROR', message }: NodeJS.ErrnoException) =>
      failed(code, message),
    )
    socket.once('secureConnect', () => {
      const certificate = seen()
      if (certificate) end({ ok: true, certificate })
      else failed('NO_CERTIFICATE', 'it shows no certificate')
    })
  })
}

/**
 * The certificate that was served, also when it is then refused: `secure` comes when the handshake
 * is complete, and ours must be the first to hear of it, as the next one ends the connection.
 */
function watchCertificate(socket: TLSSocket): () => X509Certificate | undefined {
  let raw: Buffer | undefined
  socket.prependListener('secure', () => {
    // Not getPeerX509Certificate: asked for this early, it spoils the check of names that follows.
    raw = socket.getPeerCertificate(true).raw
  })
  return () => raw && new X509Certificate(raw)
}
