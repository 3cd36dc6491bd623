import { UserError } from '../../errors.ts'
import { ownValue } from '../../lib/objects.ts'
import type { World } from '../output.ts'
import { askGateway } from './running-gateway.ts'
import { withStore } from './with-store.ts'

/**
 * Ends the login to a server: the gateway of this folder revokes its grant at the authorization server
 * and forgets it.
 * @throws UserError USAGE when the server does not exist or is not logged in to, or no gateway runs
 */
export function disconnect(server: string, { output, process }: World): Promise<number> {
  return withStore({ process }, async ({ config, store }) => {
    const name = JSON.stringify(server)
    if (!ownValue(config.servers, server)) {
      throw new UserError('USAGE', `There is no server ${name}.`, {
        hint: `Servers are ${Object.keys(config.servers).join(', ')}.`,
      })
    }
    const path = `/api/admin/servers/${encodeURIComponent(server)}/login`
    const { status, body } = await askGateway({ config, store }, { method: 'DELETE', path })
    if (body.code === 'NOT_CONNECTED') {
      throw new UserError('USAGE', `The server ${name} is not logged in to.`, {
        hint: '`pnpm sallyport connect <server>` logs in to one that waits for it.',
      })
    }
    if (status !== 200) throw new Error(`the gateway answered ${status}: ${String(body.error)}`)
    output.data({ disconnected: server })
    output.answer(
      output.stdout.prose(
        `Disconnected ${server}: its login is revoked and forgotten. It is used again after somebody has logged in.`,
      ),
    )
    return 0
  })
}
