import { UserError } from '../errors.ts'
import { isPublicAddress } from './local-address.ts'
import type { ClientConnection, McpClient } from './mcp-client.ts'

/**
 * Refuses what could never work: a service elsewhere that is to call this machine, and a key where
 * the client would have to have it in a file.
 * @throws UserError CLIENT_NEEDS_PUBLIC_ADDRESS or USAGE
 */
export function requireUsable(client: McpClient, connection: ClientConnection): void {
  const { title, dials, auth } = client
  if (dials === 'cloud' && !isPublicAddress(connection.url)) {
    throw new UserError(
      'CLIENT_NEEDS_PUBLIC_ADDRESS',
      `${title} cannot reach ${connection.url}: it calls from its maker's servers, to which that is an address of their own.`,
      {
        hint: 'Open a tunnel, `pnpm dev:https --tunnel auto`, and try again while it runs; or name a public address with --url.',
      },
    )
  }
  if (connection.keyVariable !== undefined && !auth.includes('header')) {
    throw new UserError(
      'USAGE',
      `${title} cannot take an API key from a variable, and none is written into a file.`,
      { hint: 'Give it a profile whose "auth" is "oauth", or type the key into its settings.' },
    )
  }
}
