import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServerContexts } from '../../tls/server-contexts.ts'
import type { LocalFiles } from './local-files.ts'

/**
 * Shows the local certificate on a free port of this machine as long as `use` runs: what a gateway
 * that does not run would serve. Undefined when there is no certificate.
 */
export async function withLocalHttps<T>(
  { leaf, addresses }: LocalFiles,
  use: (origin: string) => Promise<T>,
): Promise<T | undefined> {
  if (!leaf) return undefined
  const contexts = createServerContexts({ ...leaf, forAddresses: addresses })
  const server = createServer(contexts.options, (_request, response) => void response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use(`https://localhost:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
