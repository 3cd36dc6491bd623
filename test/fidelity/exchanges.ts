import { type Fields, HttpClient, type WireClient } from './wire-client.ts'

/** One row of the table: what a client does, whatever era it speaks. */
export interface Exchange {
  readonly name: string
  readonly only?: 'legacy' | 'modern'
  /** Over streamable HTTP alone. */
  readonly http?: true
  run(client: WireClient): Promise<unknown>
}

/** A tool call that asks for log messages, which 2026-07-28 says in each request. */
function call(client: WireClient, name: string, more: Fields = {}, meta: Fields = {}) {
  const level = client.era === 'modern' && { 'io.modelcontextprotocol/logLevel': 'debug' }
  const _meta = { ...level, ...meta }
  const about = Object.keys(_meta).length > 0 ? { _meta } : {}
  return client.request('tools/call', { name, arguments: {}, ...about, ...more })
}

const ask = (method: string, ...all: (Fields | undefined)[]): Exchange => ({
  name: method,
  async run(client) {
    for (const params of all.length > 0 ? all : [undefined]) await client.request(method, params)
  },
})
const tool = (name: string, more: Fields = {}, meta: Fields = {}): Exchange => ({
  name: `tools/call ${name}${more.task ? ' as a task' : ''}`,
  run: (client) => call(client, name, more, meta),
})

/** Follows what changes, in the words of the client's era. */
async function follow(client: WireClient): Promise<void> {
  if (client.era === 'legacy') {
    await client.request('resources/subscribe', { uri: 'memo://one' })
    return
  }
  const wanted = { toolsListChanged: true, resourceSubscriptions: ['memo://one'] }
  const from = client.heard.length
  client
    .begin('subscriptions/listen', JSON.stringify({ notifications: wanted }))
    .answered.catch(() => {})
  await client.until(
    ({ message }) => message.method === 'notifications/subscriptions/acknowledged',
    from,
  )
}

async function hears(
  client: WireClient,
  method: string,
  run: () => Promise<unknown>,
): Promise<void> {
  const from = client.heard.length
  await Promise.all([client.until(({ message }) => message.method === method, from), run()])
}

/** Everything the scripted server has. */
export const scriptedExchanges: readonly Exchange[] = [
  ask(
    'tools/list',
    undefined,
    { cursor: 'second' },
    { cursor: 'none of yours' },
    { cursor: 5 },
    { 'x-param': 1 },
  ),
  ask('resources/list', undefined, { cursor: 'second' }, { cursor: 'none of yours' }),
  ask('resources/templates/list', undefined, { cursor: 'second' }),
  ask('prompts/list', {}, { cursor: 'second' }, { cursor: '' }),
  tool('plain'),
  tool('typed'),
  tool(
    'seen',
    { arguments: { a: 1 }, 'x-param': { b: 2 } },
    { 'example.com/m': 1, progressToken: 'abc' },
  ),
  { ...tool('headers'), http: true },
  tool('who'),
  tool('fail'),
  tool('give_back', { arguments: { v: 1, end: 1 } }),
  tool('data_error', { arguments: { v: { why: [1] }, end: 1 } }),
  tool('no such tool'),
  {
    name: 'tools/call without a name',
    run: (client) => client.request('tools/call', { arguments: {} }),
  },
  tool('plain', { task: { ttl: 60000 } }),
  ask('prompts/get', { name: 'hello', arguments: { who: 'Ada' } }, { name: 'no such prompt' }),
  ask('resources/read', { uri: 'memo://one' }, { uri: 'memo://unlisted' }, { uri: 'none://such' }),
  ask(
    'completion/complete',
    {
      ref: { type: 'ref/prompt', name: 'hello', title: 'x' },
      argument: { name: 'who', value: 'A' },
      context: { arguments: {} },
    },
    { ref: { type: 'ref/resource', uri: 'memo://{name}' }, argument: { name: 'name', value: 'o' } },
    { ref: { type: 'ref/unheard', id: 'x' }, argument: { name: 'a', value: '' } },
  ),
  { ...ask('ping'), only: 'legacy' },
  {
    ...ask('logging/setLevel', { level: 'alert' }, { level: 'loud' }, { level: 'error' }),
    only: 'legacy',
  },
  { ...tool('level'), only: 'legacy' },
  ask('tasks/get', { taskId: 't1', 'x-t': 1 }, { taskId: 'unknown' }),
  ask('tasks/cancel', { taskId: 't1' }),
  { ...ask('tasks/result', { taskId: 't1' }), only: 'legacy' },
  { ...ask('tasks/list', undefined, { cursor: 'more' }), only: 'legacy' },
  { ...ask('tasks/update', { taskId: 't1', inputResponses: {} }), only: 'modern' },
  ask('example/unheard', { deep: { a: [1, null] } }, undefined),
  ask('example/refused'),
  ask('skills/list', {}),
  ask('no/such/method', {}),
  {
    name: 'initialize again',
    only: 'legacy',
    run: (client) =>
      client.request('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: {},
      }),
  },
  tool('progress', {}, { progressToken: 'token' }),
  tool('progress', { arguments: { number: true } }, { progressToken: 77 }),
  tool('chatter'),
  tool('unheard'),
  tool('envelope'),
  tool('broken'),
  tool('batch'),
  {
    name: 'notifications/cancelled',
    async run(client) {
      const from = client.heard.length
      const level =
        client.era === 'modern' ? '"_meta":{"io.modelcontextprotocol/logLevel":"debug"},' : ''
      const slow = client.begin('tools/call', `{${level}"name":"slow","arguments":{}}`)
      slow.answered.catch(() => {})
      await client.until(({ text }) => text.includes('begun'), from)
      slow.cancel()
      const mark = client.heard.length
      for (;;) {
        const { result } = (await call(client, 'slow_count')) as {
          result: { content: [{ text: string }] }
        }
        client.heard.splice(mark)
        if (result.content[0].text !== '0') break
      }
    },
  },
  tool('ask_user'),
  tool('ask_url'),
  tool('ask_model'),
  tool('ask_roots'),
  tool('ask_unheard'),
  tool('ask_twice'),
  {
    name: 'a question refused',
    only: 'legacy',
    async run(client) {
      client.answers['roots/list'] =
        '"error":{"code":-32077,"message":"no roots today","data":{"a":1}}'
      await call(client, 'ask_roots')
    },
  },
  {
    name: 'a question taken back',
    only: 'legacy',
    async run(client) {
      client.answers['elicitation/create'] = 'wait'
      await call(client, 'ask_and_cancel')
    },
  },
  {
    name: 'notifications of the client',
    only: 'legacy',
    async run(client) {
      client.notify('notifications/example/up', { deep: [1] })
      const mark = client.heard.length
      for (;;) {
        const { result } = (await call(client, 'last_notification')) as {
          result: { content: [{ text: string }] }
        }
        if (result.content[0].text !== '') break
        client.heard.splice(mark)
      }
    },
  },
  {
    name: 'changes that are followed',
    async run(client) {
      await follow(client)
      await hears(client, 'notifications/resources/updated', () => call(client, 'touch'))
      await hears(client, 'notifications/tools/list_changed', () => call(client, 'grow'))
    },
  },
  {
    name: 'resources/unsubscribe',
    only: 'legacy',
    run: (client) => client.request('resources/unsubscribe', { uri: 'memo://one' }),
  },
  {
    name: 'what belongs to no call',
    only: 'legacy',
    run: (client) => hears(client, 'notifications/example/late', () => call(client, 'late_notice')),
  },
]

/** What servers of the SDKs have in common, and nothing that stays in them. */
export const sdkExchanges: readonly Exchange[] = [
  ask('tools/list', undefined, { cursor: 'none of yours' }),
  ask('resources/list'),
  ask('resources/templates/list'),
  ask('prompts/list'),
  tool('echo', { arguments: { text: 'hello' } }),
  tool('add', { arguments: { a: 1, b: 2 } }),
  tool('add', { arguments: { a: 'one' } }),
  tool('fail'),
  tool('fail_with_code'),
  tool('unknown_fields', { arguments: { unknownType: true } }),
  tool('no such tool'),
  tool('log', { arguments: { message: 'hi' } }),
  tool('slow', { arguments: { steps: 2, intervalMs: 1 } }, { progressToken: 'p' }),
  tool('ask_user'),
  tool('ask_model'),
  tool('ask_roots'),
  tool('test_image_content'),
  tool('test_tool_with_logging'),
  tool('test_tool_with_progress', {}, { progressToken: 5 }),
  tool('test_error_handling'),
  tool('test_sampling', { arguments: { prompt: 'hi' } }),
  tool('test_elicitation', { arguments: { message: 'hi' } }),
  ask(
    'prompts/get',
    { name: 'plain' },
    { name: 'greet', arguments: { person: 'Ada' } },
    { name: 'no such prompt' },
  ),
  ask(
    'resources/read',
    { uri: 'memo://hello' },
    { uri: 'memo://notes/apples' },
    { uri: 'none://such' },
  ),
  ask('completion/complete', {
    ref: { type: 'ref/prompt', name: 'greet' },
    argument: { name: 'person', value: 'A' },
  }),
  { ...ask('ping'), only: 'legacy' },
  { ...ask('logging/setLevel', { level: 'error' }, { level: 'loud' }), only: 'legacy' },
  ask('no/such/method', {}),
]

type Headers = Record<string, string | undefined>

/** A request over HTTP as it is given, but for headers that are written otherwise or left out. */
function raw(
  name: string,
  options: {
    only: 'legacy' | 'modern'
    verb?: string
    headers?: Headers
    body?: string
    method?: string
  },
): Exchange {
  const { only, verb = 'POST', headers = {}, body, method = 'tools/list' } = options
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = only === 'modern' ? { _meta: envelope } : {}
  const standard = JSON.stringify({ jsonrpc: '2.0', id: 9, method, params })
  return {
    name: `HTTP: ${name}`,
    only,
    http: true,
    async run(client) {
      if (!(client instanceof HttpClient)) return
      const all = Object.entries({ ...client.headersFor(method), ...headers })
      const given = all.filter((one): one is [string, string] => one[1] !== undefined)
      await client.raw(
        verb,
        Object.fromEntries(given),
        verb === 'POST' ? (body ?? standard) : undefined,
      )
    },
  }
}

/** What HTTP says, right and wrong. */
export const httpExchanges: readonly Exchange[] = [
  raw('a request', { only: 'legacy' }),
  raw('any answer is fine', { only: 'legacy', headers: { accept: '*/*' } }),
  raw('JSON alone', { only: 'legacy', headers: { accept: 'application/json' } }),
  raw('no kind of answer is fine', { only: 'legacy', headers: { accept: 'text/html' } }),
  raw('not JSON', { only: 'legacy', body: '{"jsonrpc":' }),
  raw('not JSON-RPC', { only: 'legacy', body: '{"hello":1}' }),
  raw('another media type', { only: 'legacy', headers: { 'content-type': 'text/plain' } }),
  raw('a notification', { only: 'legacy', body: '{"jsonrpc":"2.0","method":"notifications/x"}' }),
  raw('an answer to nothing', { only: 'legacy', body: '{"jsonrpc":"2.0","id":1,"result":{}}' }),
  raw('no session', { only: 'legacy', headers: { 'mcp-session-id': undefined } }),
  raw('another session', { only: 'legacy', headers: { 'mcp-session-id': 'none' } }),
  raw('another revision', { only: 'legacy', headers: { 'mcp-protocol-version': '2099-01-01' } }),
  raw('no revision', { only: 'legacy', headers: { 'mcp-protocol-version': undefined } }),
  raw('a batch of none', { only: 'legacy', body: '[]' }),
  raw('GET without a stream', {
    only: 'legacy',
    verb: 'GET',
    headers: { accept: 'application/json' },
  }),
  raw('GET of another session', {
    only: 'legacy',
    verb: 'GET',
    headers: { 'mcp-session-id': 'none', accept: 'text/event-stream' },
  }),
  raw('PUT', { only: 'legacy', verb: 'PUT' }),
  raw('DELETE of another session', {
    only: 'legacy',
    verb: 'DELETE',
    headers: { 'mcp-session-id': 'none' },
  }),
  raw('a request', { only: 'modern' }),
  raw('no revision', { only: 'modern', headers: { 'mcp-protocol-version': undefined } }),
  raw('another revision', { only: 'modern', headers: { 'mcp-protocol-version': '2025-06-18' } }),
  raw('an unknown revision', { only: 'modern', headers: { 'mcp-protocol-version': '2099-01-01' } }),
  raw('no method', { only: 'modern', headers: { 'mcp-method': undefined } }),
  raw('another method', { only: 'modern', headers: { 'mcp-method': 'prompts/list' } }),
  raw('no name', {
    only: 'modern',
    method: 'tools/call',
    body: named('tools/call', { name: 'echo' }),
  }),
  raw('another name', {
    only: 'modern',
    method: 'tools/call',
    headers: { 'mcp-name': 'add' },
    body: named('tools/call', { name: 'echo' }),
  }),
  raw('a name in base64', {
    only: 'modern',
    method: 'resources/read',
    headers: { 'mcp-name': `=?base64?${btoa('none://such')}?=` },
    body: named('resources/read', { uri: 'none://such' }),
  }),
  raw('an unknown method', { only: 'modern', method: 'no/such/method' }),
  raw('a method of 2025', { only: 'modern', method: 'ping' }),
  raw('no envelope', {
    only: 'modern',
    body: '{"jsonrpc":"2.0","id":9,"method":"tools/list","params":{}}',
  }),
  raw('not JSON', { only: 'modern', body: '{"jsonrpc":' }),
  raw('JSON alone', { only: 'modern', headers: { accept: 'application/json' } }),
  raw('no kind of answer is fine', { only: 'modern', headers: { accept: 'text/html' } }),
  raw('GET', { only: 'modern', verb: 'GET', headers: { accept: 'text/event-stream' } }),
  raw('DELETE', { only: 'modern', verb: 'DELETE' }),
]

function named(method: string, params: Fields): string {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return JSON.stringify({ jsonrpc: '2.0', id: 9, method, params: { ...params, _meta } })
}
