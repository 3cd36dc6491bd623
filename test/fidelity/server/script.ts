import { ask, type Call, error, type Fields, type Handler, notification, result } from './peer.ts'

// A server that has everything MCP has, and a few things that MCP has not.

const capabilities = {
  legacy: {
    tools: { listChanged: true },
    resources: { subscribe: true },
    prompts: {},
    logging: {},
    completions: {},
    tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
    experimental: { 'example.com/trial': { since: 1 } },
    'x-unheard-of': { kept: true },
  },
  modern: {
    tools: { listChanged: true },
    resources: { subscribe: true },
    prompts: {},
    completions: {},
    extensions: { 'example.com/skills': { since: 1 }, 'io.modelcontextprotocol/ui': {} },
    'x-unheard-of': { kept: true },
  },
}
const serverInfo = {
  name: 'scripted',
  title: 'A scripted server',
  version: '7.8.9',
  description: 'Says what it is told to say.',
  websiteUrl: 'https://example.com/scripted',
  icons: [{ src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['any'] }],
  'x-info': true,
}
const names =
  'plain echo seen headers who fail data_error progress chatter unheard broken batch slow slow_count ask_user ask_url ask_model ask_roots ask_unheard ask_twice ask_and_cancel grow touch envelope level last_notification typed late_notice'.split(
    ' ',
  )
const tools = names.map((name) => ({
  name,
  title: name.toUpperCase(),
  description: `Does "${name}".`,
  inputSchema: { type: 'object' },
  icons: [{ src: 'https://example.com/tool.png' }],
  annotations: { readOnlyHint: true },
  _meta: { 'example.com/tool': name, ui: { resourceUri: 'ui://scripted/view' } },
  'x-tool': 1,
}))
const resources = ['memo://one', 'memo://two', 'ui://scripted/view'].map((uri) => ({
  uri,
  name: uri.slice(-3),
  size: 3,
  annotations: { audience: ['user'], lastModified: '2026-01-01T00:00:00Z' },
  'x-resource': 1,
}))

/** Two pages of a list, with what may stand beside one. */
function pages(call: Call, key: string, items: readonly Fields[]): string {
  const cursor = call.message.params?.cursor
  if (cursor !== undefined && cursor !== 'second')
    return error(-32602, 'Invalid cursor', { cursor })
  const half = Math.ceil(items.length / 2)
  const page = cursor === undefined ? items.slice(0, half) : items.slice(half)
  return result(call, {
    [key]: page,
    ...(cursor === undefined && { nextCursor: 'second' }),
    ...(call.era === 'modern' && { ttlMs: 1234, cacheScope: 'public' }),
    _meta: { 'example.com/list': key },
    'x-list': 1,
  })
}

const text = (call: Call, said: unknown, more: Fields = {}) =>
  result(call, {
    content: [{ type: 'text', text: typeof said === 'string' ? said : JSON.stringify(said) }],
    ...more,
  })

/** The value of arguments as it was written: what stands between two marks. */
const valueIn = (message: string) =>
  message.slice(message.indexOf('{"v":') + 5, message.lastIndexOf(',"end":1}'))
/** The same of an answer to a question. */
const answerIn = (message: string) =>
  message.slice(message.indexOf('{"w":') + 5, message.lastIndexOf(',"fin":1}'))

const asking =
  (questions: Parameters<typeof ask>[1]): Handler =>
  async (call) => {
    const asked = await ask(call, questions)
    return asked.done ? text(call, asked.answers) : asked.body
  }

const question = {
  user: {
    method: 'elicitation/create',
    params:
      '{"mode":"form","message":"Name?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}},"x-more":1.0}',
  },
  url: {
    method: 'elicitation/create',
    params: '{"mode":"url","message":"Go","elicitationId":"e1","url":"https://example.com/"}',
  },
  model: {
    method: 'sampling/createMessage',
    params: '{"messages":[{"role":"user","content":{"type":"text","text":"Hi"}}],"maxTokens":10}',
  },
  roots: { method: 'roots/list', params: '{"_meta":{"example.com/q":1}}' },
  unheard: { method: 'example/question', params: '{"deep":[1.0]}' },
}

const log = (level: string, data: unknown) =>
  notification('notifications/message', { level, logger: 'scripted', data, 'x-log': 1 })

const toolHandlers: Record<string, Handler> = {
  plain: (call) => text(call, 'hello', { 'x-result': [1, null], _meta: { 'example.com/r': 1 } }),
  typed: (call) =>
    result(call, {
      content: [
        { type: 'image', data: 'AAAA', mimeType: 'image/png' },
        { type: 'resource_link', uri: 'memo://one', name: 'one' },
        { type: 'resource', resource: { uri: 'memo://one', text: 'one' } },
        { type: 'x-unheard-of', payload: {} },
      ],
      structuredContent: { a: 1 },
    }),
  tell: (call) => {
    const data = `{"v":${valueIn(call.text)},"end":1}`
    call.tell(
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":${data}}}`,
    )
    return text(call, 'told')
  },
  /** The same value in a notification and in the result. */
  echo: (call) => {
    const value = valueIn(call.text)
    call.tell(
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":{"v":${value},"end":1}}}`,
    )
    const kind = call.era === 'modern' ? '"resultType":"complete",' : ''
    return `"result":{${kind}"content":[],"structuredContent":{"v":${value},"end":1}}`
  },
  give_back: (call) =>
    `"result":{${call.era === 'modern' ? '"resultType":"complete",' : ''}"content":[],"structuredContent":{"v":${valueIn(call.text)},"end":1}}`,
  data_error: (call) =>
    `"error":{"code":-32050,"message":"no","data":{"v":${valueIn(call.text)},"end":1}}`,
  ask_value: async (call) => {
    const asked = await ask(call, {
      one: {
        method: 'sampling/createMessage',
        params: `{"messages":[],"maxTokens":1,"metadata":{"v":${valueIn(call.text)},"end":1}}`,
      },
    })
    if (!asked.done) return asked.body
    const kind = call.era === 'modern' ? '"resultType":"complete",' : ''
    return `"result":{${kind}"content":[],"structuredContent":{"v":${answerIn(asked.raw)},"end":1}}`
  },
  seen: (call) => text(call, call.message.params),
  headers: (call) => {
    const all = Object.entries(call.headers).filter(([name]) =>
      /^(accept|content-type|mcp-|user-agent|x-)/.test(name),
    )
    return text(call, Object.fromEntries(all.sort()))
  },
  who: (call) => text(call, call.era === 'modern' ? call.message.params?._meta : call.peer.said[0]),
  fail: (call) => text(call, 'it failed', { isError: true }),
  progress: (call) => {
    const meta = call.message.params?._meta as Fields | undefined
    const progressToken = meta?.progressToken
    for (const progress of [1, 2, 3]) {
      call.tell(
        notification('notifications/progress', {
          progressToken,
          progress,
          total: 3,
          message: `step ${progress}`,
          'x-p': 1,
        }),
      )
      call.tell(log('error', `after step ${progress}`))
    }
    return text(call, 'done')
  },
  chatter: (call) => {
    const levels =
      call.peer.level === 'error' ? ['error', 'x-level'] : ['debug', 'info', 'error', 'x-level']
    for (const level of levels) call.tell(log(level, level))
    return text(call, 'said')
  },
  unheard: (call) => {
    call.tell(notification('notifications/example/unheard', { deep: { a: [1] } }))
    call.tell(notification('notifications/example/bare'))
    call.tell(notification('notifications/elicitation/complete', { elicitationId: 'e1' }))
    return text(call, 'told')
  },
  envelope: (call) => {
    call.tell(
      '{"method":"notifications/example/order","x-envelope":1,"params":{"a":1},"jsonrpc":"2.0"}',
    )
    return text(call, 'told')
  },
  broken: (call) => {
    call.tell('{"jsonrpc":"2.0","method":"notifications/example/before","params":{}}')
    call.tell('{"jsonrpc":"2.0","method":')
    call.tell('{"no":"JSON-RPC"}')
    return text(call, 'in spite of it')
  },
  batch: (call) => {
    call.tell(
      `[${log('error', 'in a batch')},${notification('notifications/example/batched', {})}]`,
    )
    return text(call, 'after it')
  },
  async slow(call) {
    call.tell(log('error', 'begun'))
    await call.cancelled
    return undefined
  },
  slow_count: (call) => text(call, String(call.peer.cancellations)),
  ask_user: asking({ one: question.user }),
  ask_url: asking({ one: question.url }),
  ask_model: asking({ one: question.model }),
  ask_roots: asking({ one: question.roots }),
  ask_unheard: asking({ one: question.unheard }),
  ask_twice: asking({ one: question.user, two: question.model }),
  async ask_and_cancel(call) {
    call.tell(
      '{"jsonrpc":"2.0","id":"taken-back","method":"elicitation/create","params":{"message":"wait","requestedSchema":{"type":"object","properties":{}}}}',
    )
    call.tell(
      notification('notifications/cancelled', { requestId: 'taken-back', reason: 'not needed' }),
    )
    return text(call, 'taken back')
  },
  grow: (call) =>
    changed(call, 'notifications/tools/list_changed', { _meta: { 'example.com/n': 1 } }),
  touch: (call) =>
    changed(call, 'notifications/resources/updated', { uri: 'memo://one', title: 'One', 'x-n': 1 }),
  late_notice: (call) => {
    setTimeout(() => call.peer.send(notification('notifications/example/late', { late: true })), 5)
    return text(call, 'later')
  },
  level: (call) => text(call, String(call.peer.level ?? 'none')),
  last_notification: (call) => text(call, call.peer.lastNotification),
}

const listening = new Map<number, { id: unknown; wanted: Fields; call: Call }>()
let lastListening = 0

function changed(call: Call, method: string, params: Fields): string {
  if (call.era === 'legacy') call.peer.send(notification(method, params))
  for (const { id, wanted, call: listen } of listening.values()) {
    const isWanted = params.uri
      ? Array.isArray(wanted.resourceSubscriptions)
      : wanted.toolsListChanged
    if (!isWanted || listen.peers !== call.peers) continue
    listen.tell(
      notification(method, {
        ...params,
        _meta: { 'io.modelcontextprotocol/subscriptionId': id, 'example.com/n': 1 },
      }),
    )
  }
  return text(call, 'changed')
}

/** What was asked, without what is between two neighbours alone. */
const echoed = (call: Call) => {
  const { _meta, ...seen } = call.message.params ?? {}
  return result(call, { seen })
}

const methods: Record<string, Handler> = {
  initialize: (call) => {
    call.peer.said.push(call.message.params ?? {})
    return result(call, {
      protocolVersion: '2025-06-18',
      capabilities: capabilities.legacy,
      serverInfo,
      instructions: 'Say "plain".',
      _meta: { 'example.com/i': 1 },
      'x-initialize': 1,
    })
  },
  'server/discover': (call) =>
    result(call, {
      supportedVersions: ['2026-07-28'],
      capabilities: capabilities.modern,
      instructions: 'Say "plain".',
      ttlMs: 99,
      cacheScope: 'public',
      _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo, 'example.com/i': 1 },
      'x-discover': 1,
    }),
  ping: (call) => result(call, {}),
  'tools/list': (call) => pages(call, 'tools', tools),
  'resources/list': (call) => pages(call, 'resources', resources),
  'resources/templates/list': (call) =>
    pages(call, 'resourceTemplates', [{ uriTemplate: 'memo://{name}', name: 'memo', 'x-t': 1 }]),
  'prompts/list': (call) =>
    pages(
      call,
      'prompts',
      ['hello', 'bye'].map((name) => ({
        name,
        arguments: [{ name: 'who', required: true }],
        'x-p': 1,
      })),
    ),
  'tools/call': (call) => {
    const { name, task } = call.message.params ?? {}
    if (task)
      return result(call, {
        task: { taskId: 't1', status: 'working', createdAt: 'then', ttl: 60000, 'x-task': 1 },
      })
    const handler = toolHandlers[String(name)]
    return handler ? handler(call) : error(-32042, `There is no tool ${name}`, { asked: name })
  },
  'prompts/get': (call) => {
    const { name, arguments: given } = call.message.params ?? {}
    if (name !== 'hello') return error(-32043, `There is no prompt ${name}`)
    return result(call, {
      messages: [{ role: 'user', content: { type: 'text', text: JSON.stringify(given) } }],
      description: 'd',
      'x-g': 1,
    })
  },
  'resources/read': (call) => {
    const { uri } = call.message.params ?? {}
    if (!String(uri).startsWith('memo://'))
      return error(-32044, 'There is no such resource', { uri })
    return result(call, {
      contents: [{ uri, text: 'one', _meta: { a: 1 }, 'x-c': 1 }],
      ...(call.era === 'modern' && { ttlMs: 7, cacheScope: 'private' }),
    })
  },
  'resources/subscribe': echoed,
  'resources/unsubscribe': echoed,
  'logging/setLevel': (call) => {
    const { level } = call.message.params ?? {}
    if (level === 'alert') return error(-32045, 'not that one')
    call.peer.level = level
    return result(call, {})
  },
  'completion/complete': (call) =>
    result(call, {
      completion: { values: ['a'], total: 1, hasMore: false, 'x-c': 1 },
      seen: call.message.params?.ref,
    }),
  'tasks/get': echoed,
  'tasks/result': echoed,
  'tasks/list': (call) => result(call, { tasks: [{ taskId: 't1' }], nextCursor: 'more' }),
  'tasks/cancel': (call) => error(-32602, 'it is done', { taskId: call.message.params?.taskId }),
  'tasks/update': echoed,
  'example/unheard': echoed,
  'skills/list': echoed,
  'example/refused': () => error(-32099, 'refused', { why: ['because'] }),
  async 'subscriptions/listen'(call) {
    const { notifications } = call.message.params ?? {}
    const id = call.message.id
    call.tell(
      notification('notifications/subscriptions/acknowledged', {
        notifications,
        _meta: { 'io.modelcontextprotocol/subscriptionId': id },
      }),
    )
    const key = ++lastListening
    listening.set(key, { id, wanted: notifications as Fields, call })
    await call.cancelled
    listening.delete(key)
    return undefined
  },
}

/** What the other era has. */
const foreign = {
  legacy: /^(server\/discover|subscriptions\/listen|tasks\/update)$/,
  modern: /^(initialize|ping|logging\/setLevel|resources\/(un)?subscribe|tasks\/(list|result))$/,
}

/** Answers everything that comes in. */
export const script: Handler = (call) => {
  const { method = '', id } = call.message
  if (id === undefined) {
    if (!/^notifications\/(initialized|cancelled|progress)$/.test(method))
      call.peer.lastNotification = call.text
    return undefined
  }
  const handler = methods[method]
  if (foreign[call.era].test(method)) return error(-32601, 'Method not found', { method })
  return handler ? handler(call) : error(-32601, 'Method not found', { method })
}
