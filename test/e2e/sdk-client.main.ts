import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorized,
} from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { type SdkLogin, startSdkLogin } from './sdk-login.ts'

// An application made with an SDK, as a process of its own so that NODE_EXTRA_CA_CERTS holds for it:
// `sdk-client.main.ts v1|v2 URL` logs in and prints what it got as one line of JSON.
const [kind = '', url = ''] = process.argv.slice(2)

async function connectLegacy({ provider, callback }: SdkLogin) {
  const info = { name: 'sdk-v1-client', version: '1.0.0' }
  const transport = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: provider })
  const first = transport()
  const refusal = await new Client(info).connect(first as Transport).catch((error) => error)
  if (!(refusal instanceof UnauthorizedError)) throw refusal ?? new Error('it was let in')
  await first.finishAuth(String((await callback).get('code')))
  const client = new Client(info)
  await client.connect(transport() as Transport)
  return client
}

async function connectModern({ provider, callback }: SdkLogin) {
  const create = () =>
    new ModernClient(
      { name: 'sdk-v2-client', version: '2.0.0' },
      { versionNegotiation: { mode: 'auto' } },
    )
  const transport = () => new ModernTransport(new URL(url), { authProvider: provider })
  const first = transport()
  const refusal = await create()
    .connect(first)
    .catch((error) => error)
  if (!(refusal instanceof ModernUnauthorized)) throw refusal ?? new Error('it was let in')
  await first.finishAuth(await callback)
  const client = create()
  await client.connect(transport())
  return client
}

const login = await startSdkLogin(`SDK ${kind} client`)
const client = await (kind === 'v1' ? connectLegacy(login) : connectModern(login))
const listNames = async () => (await client.listTools()).tools.map(({ name }) => name)
const tools = await listNames()
const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
login.spoilAccessToken()
const cameBack = (await listNames()).length === tools.length
console.log(JSON.stringify({ tools, echo: JSON.stringify(content), cameBack }))
await client.close()
login.close()
process.exit(0)
