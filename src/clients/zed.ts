import { fileClient } from './file-client.ts'
import { sslCertFile } from './trust-variables.ts'

/** https://zed.dev/docs/ai/mcp. Its headers hold keys as they are, so none is written. */
export const zed = fileClient({
  id: 'zed',
  title: 'Zed',
  auth: ['none', 'oauth'],
  trustVariable: sslCertFile,
  program: 'zed',
  section: 'context_servers',
  entry: ({ url }) => ({ url }),
  files: ({ isWindows, inAppData, inConfigHome }) => ({
    user: isWindows ? inAppData('Zed', 'settings.json') : inConfigHome('zed', 'settings.json'),
  }),
  shownFile: 'settings.json',
  next: 'The dot beside it in the settings of the Agent Panel turns green.',
})
