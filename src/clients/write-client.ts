import { UserError } from '../errors.ts'
import type { ClientFiles, WrittenFile } from './editing/client-files.ts'
import type { ClientConnection, ClientScope, McpClient } from './mcp-client.ts'
import type { UserFolders } from './user-folders.ts'

/**
 * Writes an entry into a client's file: the user's unless a scope is given.
 * @throws UserError USAGE when the client has no such file, or why it was not changed
 */
export function writeClient(
  client: McpClient,
  connection: ClientConnection,
  options: {
    files: ClientFiles
    folders: UserFolders
    scope: ClientScope | undefined
    force: boolean
  },
): Promise<WrittenFile> {
  const { files, folders, scope, force } = options
  const { file, id, title } = client
  if (!file) {
    throw new UserError('USAGE', `${title} has no file that could be written.`, {
      hint: `Do it by hand: \`pnpm sallyport client ${id}\` shows how.`,
    })
  }
  const paths = file.paths(folders)
  const path = paths[scope ?? 'user']
  if (path === undefined) {
    const has = Object.keys(paths).join(', ')
    throw new UserError('USAGE', `${title} has no file of the scope "${scope}".`, {
      hint: `It has one for: ${has}.`,
    })
  }
  const { name } = connection
  const places = file.places(connection)
  return files.write({ path, format: file.format, client: id, name, places }, { force })
}
