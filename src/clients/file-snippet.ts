import { applySplice } from './editing/config-format.ts'
import { configFormats } from './editing/config-formats.ts'
import type { ClientConnection, ClientFile, ClientSnippet } from './mcp-client.ts'

/** What a client's file looks like with one entry and nothing else. */
export function fileSnippet(
  { format, places }: ClientFile,
  connection: ClientConnection,
  place: string,
): ClientSnippet {
  const text = places(connection).reduce((document, { path, value }) => {
    const splice = configFormats[format].insert(document, path, value)
    return splice ? applySplice(document, splice) : document
  }, '')
  return { language: format, text: text.trimEnd(), place }
}
