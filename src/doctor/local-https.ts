import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { LocalFiles } from '../tls/local-files.ts'
import { createServerContexts } from '../tls/served-certificate.ts'

/**
 * Shows the local certificate on a free port of this machine as long as `use` runs, so that whoever
 * refuses it is not told of by a gateway. Undefined when there is no certificate.
 */
export async function withLocalHttps<T>(
  { leaf, addresses }: LocalFiles,
  use: (origin: string) => Promise<T>,
): Promise<T | undefined> {
  if (!leaf) return undefined
  const contexts = createServerContexts({ ...leaf, forAddresses: addresses })
  const server = createServer(contexts.options, (request, response) => {
    // Of a repository git would want more.
    response.statusCode = request.url?.includes('/info/refs') ? 404 : 200
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use(`https://localhost:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
