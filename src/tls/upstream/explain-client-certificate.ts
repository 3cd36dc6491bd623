import { shellQuote } from '../../lib/shell.ts'
import type { TlsFacts, TlsFinding } from './tls-facts.ts'

/** What a server that ended the connection over the client's certificate needs. */
export function explainClientCertificate({
  server,
  presented,
}: Pick<TlsFacts, 'server' | 'presented'>): TlsFinding {
  const command = setClientCertificateCommand(server)
  return presented
    ? {
        kind: 'client-certificate-refused',
        message: 'The server refused the client certificate that is kept for it.',
        fix: 'Ask its operator which authority it accepts client certificates of, and set one of that.',
        command,
      }
    : {
        kind: 'client-certificate-needed',
        message: 'The server asks for a client certificate, and none is kept for it.',
        fix: 'Get a certificate and its key from its operator, and set them.',
        command,
      }
}

/** The command that adds certificates to what is kept. */
export function addCommand(server: string): string {
  return `pnpm sallyport ca add ${shellQuote(server)} <file>`
}

/** The command that sets the certificate that connections present. */
export function setClientCertificateCommand(server: string): string {
  return `pnpm sallyport ca add ${shellQuote(server)} --client-cert <file> --client-key <file>`
}
