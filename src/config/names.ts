/** What a server of `mcpServers` may be called; the name is also the prefix of its tools. */
export const serverNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** What a profile may be called; the name is the last segment of its endpoint. */
export const profileNamePattern = /^[a-z0-9][a-z0-9_-]{0,49}$/

/** What a client accepts as the name of a tool. */
export const toolNamePattern = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Profile names that are refused, because `/api/mcp/<name>` would read like one of the gateway's
 * own addresses: the segments under a profile (`sse`, `messages`, `info`), the addresses beside
 * the profiles (`health`, `ready`, `profiles`, `admin`, `oauth`), and the words of the path itself.
 */
export const reservedProfileNames: readonly string[] = [
  'admin',
  'api',
  'health',
  'info',
  'mcp',
  'messages',
  'oauth',
  'profiles',
  'ready',
  'sse',
]

/** The profile every server belongs to unless the file defines one of this name. */
export const defaultProfileName = 'default'
