import { inBraces } from './api-key.ts'
import { fileSnippet } from './file-snippet.ts'
import type { ClientFile, McpClient } from './mcp-client.ts'
import { sslCertFile } from './trust-variables.ts'
import { inAppData, inConfigHome } from './user-folders.ts'

const timeoutSeconds = 300

const file: ClientFile = {
  format: 'yaml',
  places: ({ name, url, keyVariable }) => [
    {
      path: ['extensions', name],
      value: {
        type: 'streamable_http',
        name,
        enabled: true,
        uri: url,
        headers:
          keyVariable === undefined ? {} : { Authorization: `Bearer ${inBraces(keyVariable)}` },
        env_keys: keyVariable === undefined ? [] : [keyVariable],
        envs: {},
        timeout: timeoutSeconds,
      },
    },
  ],
  paths: (folders) => ({
    user:
      folders.platform === 'win32'
        ? inAppData(folders, 'Block', 'goose', 'config', 'config.yaml')
        : inConfigHome(folders, 'goose', 'config.yaml'),
  }),
}

/** https://goose-docs.ai/docs/guides/config-files */
export const goose: McpClient = {
  id: 'goose',
  title: 'Goose',
  dials: 'machine',
  auth: ['none', 'oauth', 'header'],
  trust: { variable: sslCertFile, program: 'goose session' },
  file,
  snippet: (connection) => fileSnippet(file, connection, '~/.config/goose/config.yaml'),
  links({ name, url, keyVariable }) {
    if (keyVariable !== undefined) return []
    const query = new URLSearchParams({
      url,
      type: 'streamable_http',
      id: name,
      name,
      description: `Sallyport at ${new URL(url).host}`,
      timeout: String(timeoutSeconds),
    })
    // Goose reads percent-encoding, not the plus signs of a form.
    return [
      { label: 'Add to Goose', url: `goose://extension?${String(query).replaceAll('+', '%20')}` },
    ]
  },
  next: () => 'Start a new session.',
}
