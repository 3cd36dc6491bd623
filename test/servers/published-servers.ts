/** A server as its authors published it, and how it starts without an account. */
export interface PublishedServer {
  readonly package: string
  readonly args?: readonly string[]
  /** Credentials that are none. */
  readonly env?: Readonly<Record<string, string>>
  /** A call that does nothing, and needs nothing. */
  readonly call?: { readonly name: string; readonly arguments: Record<string, unknown> }
}

/** Twenty and more servers that others wrote, with SDKs of several years. */
export const publishedServers: readonly PublishedServer[] = [
  {
    package: '@modelcontextprotocol/server-everything@2026.8.31',
    call: { name: 'echo', arguments: { message: 'hello' } },
  },
  {
    package: '@modelcontextprotocol/server-filesystem@2026.8.31',
    args: ['.'],
    call: { name: 'list_allowed_directories', arguments: {} },
  },
  {
    package: '@modelcontextprotocol/server-memory@2026.8.31',
    env: { MEMORY_FILE_PATH: '/nonexistent/memory.json' },
    call: { name: 'read_graph', arguments: {} },
  },
  {
    package: '@modelcontextprotocol/server-sequential-thinking@2026.8.31',
    call: {
      name: 'sequentialthinking',
      arguments: { thought: 'one', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
    },
  },
  {
    package: '@modelcontextprotocol/server-github@2025.4.8',
    env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'none' },
  },
  {
    package: '@modelcontextprotocol/server-slack@2025.4.25',
    env: { SLACK_BOT_TOKEN: 'xoxb-none', SLACK_TEAM_ID: 'T0' },
  },
  {
    package: '@modelcontextprotocol/server-postgres@0.6.2',
    args: ['postgresql://127.0.0.1:9/none'],
  },
  { package: '@hubspot/mcp-server@0.4.0', env: { PRIVATE_APP_ACCESS_TOKEN: 'none' } },
  { package: '@supabase/mcp-server-supabase@0.13.0', env: { SUPABASE_ACCESS_TOKEN: 'sbp_none' } },
  { package: 'mcp-server-kubernetes@4.1.7' },
  { package: '@notionhq/notion-mcp-server@2.5.2', env: { NOTION_TOKEN: 'ntn_none' } },
  { package: '@playwright/mcp@0.0.83', args: ['--headless'] },
  { package: '@upstash/context7-mcp@4.1.1' },
  { package: 'figma-developer-mcp@0.13.2', args: ['--stdio'], env: { FIGMA_API_KEY: 'none' } },
  {
    package: '@brave/brave-search-mcp-server@2.1.4',
    args: ['--transport', 'stdio'],
    env: { BRAVE_API_KEY: 'none' },
  },
  { package: 'tavily-mcp@0.2.22', env: { TAVILY_API_KEY: 'none' } },
  { package: 'exa-mcp-server@3.4.1', env: { EXA_API_KEY: 'none' } },
  { package: 'firecrawl-mcp@3.22.2', env: { FIRECRAWL_API_KEY: 'none' } },
  { package: '@sentry/mcp-server@0.36.0', env: { SENTRY_ACCESS_TOKEN: 'none' } },
  { package: 'chrome-devtools-mcp@1.11.0', args: ['--headless', '--no-usage-statistics'] },
  { package: 'mongodb-mcp-server@3.0.4', env: { MDB_MCP_TELEMETRY: 'disabled' } },
  { package: 'airtable-mcp-server@1.14.0', env: { AIRTABLE_API_KEY: 'none' } },
  { package: '@antv/mcp-server-chart@0.9.10' },
  { package: 'mcp-server-code-runner@0.1.8' },
]
