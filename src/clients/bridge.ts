import { inBraces } from './api-key.ts'
import type { ConfigValue } from './editing/config-format.ts'
import type { ClientConnection } from './mcp-client.ts'

/** The entry of a program that knows stdio only: mcp-remote is started, and carries every message. */
export function bridgeEntry({ url, keyVariable, caFile }: ClientConnection): ConfigValue {
  const header =
    keyVariable === undefined ? [] : ['--header', `Authorization:Bearer ${inBraces(keyVariable)}`]
  return {
    command: 'npx',
    args: [
      '-y',
      'mcp-remote',
      url,
      ...(url.startsWith('http:') ? ['--allow-http'] : []),
      ...header,
    ],
    ...(caFile !== undefined && { env: { NODE_EXTRA_CA_CERTS: caFile } }),
  }
}
