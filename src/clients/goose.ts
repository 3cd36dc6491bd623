import { fileClient, inBraces, keyHeaders } from './file-client.ts'
import { sslCertFile } from './trust-variables.ts'

const timeoutSeconds = 300

/** https://goose-docs.ai/docs/guides/config-files */
export const goose = fileClient({
  id: 'goose',
  title: 'Goose',
  trustVariable: sslCertFile,
  program: 'goose session',
  format: 'yaml',
  section: 'extensions',
  entry(connection) {
    const { name, url, keyVariable } = connection
    return {
      type: 'streamable_http',
      name,
      enabled: true,
      uri: url,
      headers: keyHeaders(connection, inBraces).headers ?? {},
      env_keys: keyVariable === undefined ? [] : [keyVariable],
      envs: {},
      timeout: timeoutSeconds,
    }
  },
  files: ({ isWindows, inAppData, inConfigHome }) => ({
    user: isWindows
      ? inAppData('Block', 'goose', 'config', 'config.yaml')
      : inConfigHome('goose', 'config.yaml'),
  }),
  shownFile: '~/.config/goose/config.yaml',
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
  next: 'Start a new session.',
})
