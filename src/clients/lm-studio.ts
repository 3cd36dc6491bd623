import { fileClient, installLink } from './file-client.ts'

/** https://lmstudio.ai/docs/app/mcp. Its headers hold keys as they are, so none is written. */
export const lmStudio = fileClient({
  id: 'lm-studio',
  title: 'LM Studio',
  auth: ['none'],
  entry: ({ url }) => ({ url }),
  files: ({ inHome }) => ({ user: inHome('.lmstudio', 'mcp.json') }),
  shownFile: 'mcp.json (Program > Install > Edit mcp.json)',
  links({ name, url }) {
    const to = (prefix: string) => installLink(prefix, { name, value: { url } }, 'base64')
    return [
      { label: 'Add to LM Studio', url: to('lmstudio://add_mcp') },
      { label: 'Add by way of lmstudio.ai', url: to('https://lmstudio.ai/install-mcp') },
    ]
  },
  next: 'Switch it on in the chat, under Integrations.',
})
