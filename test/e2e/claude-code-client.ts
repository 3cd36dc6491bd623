import type { ClaudeCode } from './claude-code.ts'
import { startModelStub } from './model-stub.ts'
import type { OAuthClient } from './oauth-client.ts'

/**
 * Claude Code without an account: login and connection are its own, and so is the call of the
 * tool; only the model that asks for it is played.
 */
export function claudeCodeClient(claude: ClaudeCode): OAuthClient {
  return {
    name: 'Claude Code',
    async use({ name, url, environment }) {
      const variables = { ...environment, TERM: 'xterm', ENABLE_TOOL_SEARCH: 'false' }
      const added = await claude.addServer(name, url)
      const before = await claude.listServers(variables)
      require(/Needs authentication/.test(before), `not asked to log in: ${added.output}${before}`)
      const login = await claude.login(name, variables)
      require(login.exitCode === 0, login.output)
      const after = await claude.listServers(variables)
      require(new RegExp(`${name}: .*[✔✓] Connected`).test(after), `${login.output}${after}`)
      const tool = `mcp__${name}__echo`
      const model = await startModelStub({ tool, input: { text: 'hello' } })
      try {
        const { output } = await claude.ask('Say hello to echo.', {
          allowedTool: tool,
          environment: { ...variables, ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'none' },
        })
        const mine = model.offered().filter((one) => one.startsWith(`mcp__${name}__`))
        require(mine.length > 0, `the model was offered no tool of ours: ${output}`)
        const tools = mine.map((one) => one.replace(`mcp__${name}__`, ''))
        // Each command is a process of its own, so the login was kept already.
        return { tools, echo: model.toolAnswer(), cameBack: true }
      } finally {
        await model.close()
      }
    },
  }
}

function require(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}
