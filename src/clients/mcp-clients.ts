import { UserError } from '../errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import { chatgpt } from './chatgpt.ts'
import { claudeAi } from './claude-ai.ts'
import { claudeCode } from './claude-code.ts'
import { claudeDesktop } from './claude-desktop.ts'
import { cline } from './cline.ts'
import { codex } from './codex.ts'
import { cursor } from './cursor.ts'
import { geminiCli } from './gemini-cli.ts'
import { goose } from './goose.ts'
import { inspector } from './inspector.ts'
import { lmStudio } from './lm-studio.ts'
import type { McpClient } from './mcp-client.ts'
import { mcpRemote } from './mcp-remote.ts'
import { anthropicApi, openaiApi } from './model-apis.ts'
import { vscode } from './vscode.ts'
import { windsurf } from './windsurf.ts'
import { zed } from './zed.ts'

/** Every client we know, in the order in which they are shown. */
export const mcpClients: readonly McpClient[] = [
  claudeCode,
  claudeAi,
  claudeDesktop,
  cursor,
  vscode,
  windsurf,
  codex,
  geminiCli,
  zed,
  cline,
  goose,
  lmStudio,
  chatgpt,
  openaiApi,
  anthropicApi,
  mcpRemote,
  inspector,
]

/** @throws UserError USAGE when we know no client of that name */
export function requireClient(id: string): McpClient {
  const found = mcpClients.find((client) => client.id === id)
  if (found) return found
  const ids = mcpClients.map((client) => client.id)
  const near = nearestName(id, ids)
  const meant = near === undefined ? '' : `Did you mean ${near}? `
  throw new UserError('USAGE', `There is no client ${JSON.stringify(id)}.`, {
    hint: `${meant}Known are ${ids.join(', ')}; for any other, look at mcp-remote.`,
  })
}
