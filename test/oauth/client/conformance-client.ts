import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createOAuthClient } from '../../../src/oauth/client/oauth-client.ts'
import {
  type LoginNeededError,
  UpstreamAuthError,
} from '../../../src/oauth/client/upstream-auth-error.ts'
import { silentLogger } from '../../fixtures/silent-logger.ts'
import { defaultAuth } from '../default-auth.ts'
import { createMemoryStore } from '../memory-store.ts'
import { createAuthorizedFetch, loginNeededOf } from './authorized-fetch.ts'

// What the conformance suite runs for each client scenario: the OAuth client of the gateway under
// the SDK's MCP client. The last argument is the server's address; the browser is this process.
const redirectUri = 'http://localhost:3000/callback'
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
const isModern = (process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '') >= '2026'
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as {
  client_id?: string
  client_secret?: string
  private_key_pem?: string
  toolCalls?: { name: string; arguments: Record<string, unknown> }[]
}
const server = { name: 'referee', url: process.argv.at(-1) ?? '' }
const upstream = {
  ...server,
  auth: {
    ...defaultAuth,
    grant: scenario.includes('client-credentials')
      ? ('client_credentials' as const)
      : ('authorization_code' as const),
    clientId: context.client_id,
    clientSecret: context.client_secret,
    privateKey: context.private_key_pem,
  },
}
const oauth = createOAuthClient({
  upstreams: () => [upstream],
  sealedStore: createMemoryStore(),
  urls: () => ({
    redirectUri,
    clientMetadata: 'https://conformance-test.local/client-metadata.json',
    login: (_, ticket) => `http://localhost:3000/login?ticket=${ticket}`,
  }),
  now: Date.now,
  logger: silentLogger,
  onChange: () => {},
})

/** Goes through the login link as a browser does; the referee's issuer asks nothing. */
async function logIn(needed: LoginNeededError): Promise<void> {
  const ticket = new URL(needed.loginUrl).searchParams.get('ticket') ?? ''
  const start = await oauth.beginLogin({ server: server.name, ticket })
  if (!('location' in start)) throw new UpstreamAuthError('denied', start.page.message)
  const answer = await fetch(start.location, { redirect: 'manual' })
  const url = answer.headers.get('location') ?? ''
  const cookie = start.setCookie.split(';')[0]
  const { page } = await oauth.handleCallback({ url, cookie })
  if (page.failure !== undefined) throw new UpstreamAuthError('denied', page.message)
}

/** Does what a person does on the clear error: logs in and tries again. */
async function withLogins<T>(task: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await task()
    } catch (error) {
      const needed = loginNeededOf(error)
      if (!needed) throw error
      await logIn(needed)
    }
  }
}

const client = new Client(
  { name: 'sallyport', version: '0' },
  {
    versionNegotiation: { mode: isModern ? 'auto' : 'legacy' },
    capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {} },
  },
)
client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: {} }))
const authorizedFetch = createAuthorizedFetch(fetch, server, oauth)
const transport = () =>
  new StreamableHTTPClientTransport(new URL(server.url), { fetch: authorizedFetch })

try {
  await withLogins(() => client.connect(transport()))
  const { tools } = await withLogins(() => client.listTools())
  const calls =
    context.toolCalls ??
    tools.map(({ name }) => ({ name, arguments: name === 'add_numbers' ? { a: 5, b: 3 } : {} }))
  for (const call of calls) await withLogins(() => client.callTool(call))
  await client.close()
  process.exit(0)
} catch (error) {
  console.error(scenario, error)
  // A refusal of our own is what the scenarios with a faulty server are after.
  process.exit(1)
}
