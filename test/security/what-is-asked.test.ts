import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { startTokenIssuer, type TestTokenIssuer } from '../fixtures/token-issuer.ts'

// Everybody may `look`; whatever else there is takes the scope `mcp:write`.
const inputSchema = { type: 'object' }
const guarded = ['write', 'caf\u00e9', '__proto__', 'constructor']
const lists = {
  'tools/list': {
    tools: [
      { name: 'look', inputSchema, annotations: { readOnlyHint: true } },
      ...guarded.map((name) => ({ name, inputSchema })),
    ],
  },
  'prompts/list': { prompts: [{ name: 'greet' }] },
  'resources/list': { resources: [{ uri: 'note://one', name: 'one' }] },
}
const accept = 'application/json, text/event-stream'
const eras = ['2025-11-25', '2026-07-28'] as const
type Era = (typeof eras)[number]
type Headers = Record<string, string>

let upstream: RecordingUpstream
let issuer: TestTokenIssuer
let gateway: TestGateway
let reader: string
let writer: string
const sessions = new Map<string, string>()

function startGuarded({ url }: RecordingUpstream): Promise<TestGateway> {
  return startTestGateway({
    servers: { one: { url, isolation: 'shared' } },
    profiles: {
      default: {
        auth: 'oauth',
        scopes: [{ scope: 'mcp:write', tools: [], annotations: ['writing'] }],
      },
    },
    config: { auth: { issuer: issuer.issuer, allow: [], redirectSchemes: [], signIn: [] } },
  })
}

beforeAll(async () => {
  upstream = await startRecordingUpstream(lists)
  issuer = await startTokenIssuer()
  gateway = await startGuarded(upstream)
  reader = await issuer.mint({ resource: gateway.url(), scopes: 'mcp' })
  writer = await issuer.mint({ resource: gateway.url(), scopes: 'mcp mcp:write' })
})
afterAll(async () => {
  await gateway.close()
  await Promise.all([upstream.close(), issuer.close()])
})
beforeEach(() => void upstream.heard())

async function post(token: string, body: string, headers: Headers) {
  const response = await fetch(gateway.url(), {
    method: 'POST',
    headers: {
      accept,
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body,
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}

/** The headers of an MCP session of that caller, opened once. */
async function session(token: string, version = '2025-11-25'): Promise<Headers> {
  const key = `${version} ${token}`
  const known = sessions.get(key)
  if (known !== undefined) return { 'mcp-session-id': known, 'mcp-protocol-version': version }
  const clientInfo = { name: 'test', version: '1' }
  const params = { protocolVersion: version, capabilities: {}, clientInfo }
  const opening = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const { headers, status } = await post(token, opening, {})
  expect(status).toBe(200)
  sessions.set(key, headers.get('mcp-session-id') ?? '')
  return session(token, version)
}

async function headersFor(era: Era, token: string, name = 'write'): Promise<Headers> {
  if (era === '2025-11-25') return session(token)
  return { 'mcp-protocol-version': era, 'mcp-method': 'tools/call', 'mcp-name': name }
}

const envelope = (era: Era) =>
  era === '2025-11-25'
    ? '"_meta":{}'
    : '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' +
      '"io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},' +
      '"io.modelcontextprotocol/clientCapabilities":{}}'

const message = (rest: string) => `{"jsonrpc":"2.0","id":7,${rest}}`
const call = (era: Era, params: string) =>
  message(`"method":"tools/call","params":{${envelope(era)},${params}}`)

/** Raw JSON for the value of `name`: what a call with it may do for somebody who may only look. */
const oddTypes: [what: string, raw: string][] = [
  ['a list', '["write"]'],
  ['a list in a list', '[["write"]]'],
  ['an object', '{"name":"write"}'],
  ['an object that says what its text is', '{"toString":"write","valueOf":"write"}'],
  ['a number', '7'],
  ['null', 'null'],
  ['true', 'true'],
]
const otherNames: [what: string, raw: string][] = [
  ['a space after it', '"write "'],
  ['a space before it', '" write"'],
  ['another case', '"WRITE"'],
  ['full-width letters', '"\uff57\uff52\uff49\uff54\uff45"'],
  ['a zero-width space', '"write\u200b"'],
  ['a zero byte', '"write\\u0000"'],
  ['a decomposed accent', '"cafe\u0301"'],
  ['a name that every object has', '"toString"'],
  ['the empty name', '""'],
  ['a path', '"./write"'],
]
const sameNames: [what: string, name: string, raw: string][] = [
  ['as it is', 'write', '"write"'],
  ['escaped', 'write', '"wr\\u0069te"'],
  ['a composed accent', 'caf\u00e9', '"caf\u00e9"'],
  ['a tool called __proto__', '__proto__', '"__proto__"'],
  ['a tool called constructor', 'constructor', '"constructor"'],
]

const called = () =>
  upstream.heard().flatMap(({ method, params }) => (method === 'tools/call' ? [params.name] : []))

describe.each(eras)('a call of %s', (era) => {
  it.each(oddTypes)('whose name is %s is invalid, whoever asks', async (_, raw) => {
    for (const token of [reader, writer]) {
      const answer = await post(token, call(era, `"name":${raw}`), await headersFor(era, token))
      expect(answer.text).toContain('-32602')
      expect(JSON.parse(answer.text)).toMatchObject({ id: 7, error: { code: -32602 } })
    }
    expect(called()).toEqual([])
  })

  it.each(otherNames)(
    'of a guarded name with %s needs every scope, and asks for itself alone',
    async (_, raw) => {
      const name = JSON.parse(raw) as string
      const header = /^[!-~]+$/.test(name)
        ? name
        : `=?base64?${Buffer.from(name).toString('base64')}?=`
      for (const token of [reader, writer]) {
        const headers = await headersFor(era, token, header)
        const { status } = await post(token, call(era, `"name":${raw}`), headers)
        if (token === reader) expect(status).toBe(403)
        expect(called().filter((one) => token === reader || one !== name)).toEqual([])
      }
    },
  )

  it.each(sameNames)('of a guarded tool takes its scope: %s', async (_, name, raw) => {
    const encoded = /^[!-~]+$/.test(name)
      ? name
      : `=?base64?${Buffer.from(name).toString('base64')}?=`
    const as = async (token: string) =>
      post(token, call(era, `"name":${raw}`), await headersFor(era, token, encoded))
    expect((await as(reader)).status).toBe(403)
    expect(called()).toEqual([])
    expect((await as(writer)).status).toBe(200)
    expect(called()).toEqual([name])
  })

  /** Bodies whose fields say two things; `name` is what is meant, and what alone may arrive. */
  const twofold: [what: string, body: string, name: string | undefined][] = [
    ['two names, the guarded one last', call(era, '"name":"look","name":"write"'), 'write'],
    ['two names, the guarded one first', call(era, '"name":"write","name":"look"'), 'look'],
    [
      'two params, the guarded one last',
      message(
        `"method":"tools/call","params":{${envelope(era)},"name":"look"},"params":{${envelope(era)},"name":"write"}`,
      ),
      'write',
    ],
    [
      'two params, the guarded one first',
      message(
        `"method":"tools/call","params":{${envelope(era)},"name":"write"},"params":{${envelope(era)},"name":"look"}`,
      ),
      'look',
    ],
    [
      'two methods',
      message(`"method":"ping","method":"tools/call","params":{${envelope(era)},"name":"write"}`),
      'write',
    ],
    ['a name in __proto__', call(era, '"__proto__":{"name":"write"}'), undefined],
    ['another name in __proto__', call(era, '"name":"look","__proto__":{"name":"write"}'), 'look'],
    [
      'another name in constructor.prototype',
      call(era, '"name":"look","constructor":{"prototype":{"name":"write"}}'),
      'look',
    ],
    [
      'a message in __proto__',
      message(`"__proto__":{"method":"tools/call","params":{${envelope(era)},"name":"write"}}`),
      undefined,
    ],
    [
      'params in __proto__',
      message(`"method":"tools/call","__proto__":{"params":{"name":"write"}}`),
      undefined,
    ],
    ['the guarded name under another case', call(era, '"name":"look","Name":"write"'), undefined],
    ['the guarded name in capitals, first', call(era, '"NAME":"write","name":"look"'), undefined],
    ['a full-width key', call(era, '"name":"look","\uff4eame":"write"'), undefined],
    ['a list for params', message('"method":"tools/call","params":[{"name":"write"}]'), undefined],
    ['text for params', message('"method":"tools/call","params":"write"'), undefined],
  ]
  it.each(twofold)('with %s is checked for the tool that is called', async (_, body, name) => {
    for (const token of [reader, writer]) {
      const headers = await headersFor(era, token, name ?? 'write')
      const { status } = await post(token, body, headers)
      const arrived = called()
      const mayCall = token === writer || name === 'look'
      if (name !== undefined && mayCall) expect([[], [name]]).toContainEqual(arrived)
      else expect(arrived).toEqual([])
      if (name === 'write' && token === reader) expect(status).toBe(403)
    }
  })

  /** Methods and ids that are not quite those of a call. */
  const odd: [what: string, rest: string][] = [
    ['a list as method', '"id":7,"method":["tools/call"]'],
    ['an object as method', '"id":7,"method":{"toString":"tools/call"}'],
    ['null as method', '"id":7,"method":null'],
    ['a number as method', '"id":7,"method":1'],
    ['another case', '"id":7,"method":"TOOLS/CALL"'],
    ['a space after the method', '"id":7,"method":"tools/call "'],
    ['a full-width slash', '"id":7,"method":"tools\uff0fcall"'],
    ['a list under another case', '"id":7,"method":"Tools/List"'],
    ['no method', '"id":7'],
    ['no id', '"method":"tools/call"'],
    ['null as id', '"id":null,"method":"tools/call"'],
    ['a list as id', '"id":[7],"method":"tools/call"'],
    ['a broken number as id', '"id":7.5,"method":"tools/call"'],
  ]
  it.each(odd)('with %s calls nothing', async (_, rest) => {
    for (const token of [reader, writer]) {
      const body = `{"jsonrpc":"2.0",${rest},"params":{${envelope(era)},"name":"write"}}`
      const { status } = await post(token, body, await headersFor(era, token))
      expect(status).toBeLessThan(500)
    }
    // Not as a notification either: a server that ignores ids would run it.
    expect(upstream.heard()).toEqual([])
  })

  it('without an id is refused, as a server that looks at no ids would run it', async () => {
    const body = `{"jsonrpc":"2.0","method":"tools/call","params":{${envelope(era)},"name":"write"}}`
    expect((await post(writer, body, await headersFor(era, writer))).status).toBe(400)
  })

  it('spelled with an escaped slash is a call', async () => {
    const body = message(`"method":"tools\\/call","params":{${envelope(era)},"name":"write"}`)
    expect((await post(reader, body, await headersFor(era, reader))).status).toBe(403)
    expect((await post(writer, body, await headersFor(era, writer))).status).toBe(200)
    expect(called()).toEqual(['write'])
  })
})

it.each(['notifications/Cancelled', 'notifications/cancelled ', 'notifications/PROGRESS'])(
  'what is nearly a notification about a call reaches nobody: %s',
  async (method) => {
    const about = { requestId: 1, progressToken: 1, progress: 1 }
    const body = JSON.stringify({ jsonrpc: '2.0', method, params: about })
    expect((await post(reader, body, await session(reader))).status).toBe(400)
    // In order: what was passed on would have come before.
    await post(reader, call('2025-11-25', '"name":"look"'), await session(reader))
    expect(upstream.heard().map(({ method: heard }) => heard)).toEqual(['tools/call'])
  },
)

it.each(['resources/subscribe', 'resources/unsubscribe'])(
  '%s is no method of 2026-07-28, whatever its params lack',
  async (method) => {
    const body = message(`"method":"${method}","params":{${envelope('2026-07-28')}}`)
    const answer = await post(reader, body, await headersFor('2026-07-28', reader))
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.text)).toMatchObject({ id: 7, error: { code: -32_601 } })
  },
)

describe('a batch', () => {
  const look = (id: number) =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"look"}}`
  const write = `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"write"}}`
  const rows: [what: string, body: string, called: string[]][] = [
    ['of what everybody may', `[${look(1)},${look(2)}]`, ['look', 'look']],
    ['with a guarded call last', `[${look(1)},${write}]`, []],
    ['with a guarded call first', `[${write},${look(1)}]`, []],
    ['in a batch', `[[${write}]]`, []],
    ['with a name that is no text', `[${look(1)},${write.replace('"write"', '["write"]')}]`, []],
    ['with no message', '[]', []],
    ['with null', `[null,${write}]`, []],
  ]
  it.each(rows)('%s is checked in every member', async (_, body, names) => {
    const { status } = await post(reader, body, await session(reader, '2025-03-26'))
    expect(called()).toEqual(names)
    if (names.length === 0) expect([400, 403]).toContain(status)
  })
})

describe('headers that say something else than the body (2026-07-28)', () => {
  const guardedCall = call('2026-07-28', '"name":"write"')
  const right = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }
  const rows: [what: string, headers: Headers][] = [
    ['another tool', { ...right, 'mcp-name': 'look' }],
    ['another method', { ...right, 'mcp-method': 'tools/list', 'mcp-name': 'write' }],
    ['no method and name', { 'mcp-protocol-version': '2026-07-28' }],
    ['an older revision', { ...right, 'mcp-protocol-version': '2025-11-25', 'mcp-name': 'write' }],
    [
      'an unknown revision',
      { ...right, 'mcp-protocol-version': '2099-01-01', 'mcp-name': 'write' },
    ],
    ['two tools', { ...right, 'mcp-name': 'look, write' }],
    ['an encoded tool', { ...right, 'mcp-name': '=?base64?bG9vaw==?=' }],
    ['no revision', {}],
  ]
  it.each(rows)('name %s, and never lend their scope', async (_, headers) => {
    expect((await post(reader, guardedCall, headers)).status).toBe(403)
    await post(writer, guardedCall, headers)
    expect(called()).toEqual([])
  })
})

describe.each([
  ['prompts/get', '"name":'],
  ['resources/read', '"uri":'],
  ['resources/subscribe', '"uri":'],
  ['resources/unsubscribe', '"uri":'],
  ['completion/complete', '"argument":{"name":"a","value":"b"},"ref":'],
])('%s', (method, field) => {
  const rows = [
    ...oddTypes,
    ['nothing', '{}'] as const,
    ['text in __proto__', '{"__proto__":"x"}'] as const,
  ]
  it.each(rows)('takes %s for no name of anything', async (_, raw) => {
    const body = message(`"method":"${method}","params":{${field}${raw}}`)
    const answer = await post(reader, body, await session(reader))
    expect(JSON.parse(answer.text)).toMatchObject({ id: 7, error: { code: -32602 } })
    expect(upstream.heard()).toEqual([])
  })
})

describe('what is asked by its right name', () => {
  it.each([
    ['prompts/get', '"name":"greet"'],
    ['resources/read', '"uri":"note://one"'],
    ['resources/subscribe', '"uri":"note://one"'],
    [
      'completion/complete',
      '"argument":{"name":"a","value":"b"},"ref":{"type":"ref/prompt","name":"greet"}',
    ],
    [
      'completion/complete',
      '"argument":{"name":"a","value":"b"},"ref":{"type":"ref/resource","uri":"note://one"}',
    ],
  ])('arrives: %s of %s', async (method, params) => {
    const body = message(`"method":"${method}","params":{${params}}`)
    expect((await post(reader, body, await session(reader))).text).toContain('"result"')
    expect(upstream.heard().map((one) => one.method)).toEqual([method])
  })
})

describe('a URI', () => {
  it('is taken up to 8192 characters', async () => {
    const read = async (length: number) => {
      const uri = 'note://'.padEnd(length, '-')
      const body = message(`"method":"resources/read","params":{"uri":"${uri}"}`)
      return (await post(reader, body, await session(reader))).text
    }
    expect(await read(8_192)).toContain('"result"')
    expect(await read(8_193)).toContain('at most 8192 characters')
    expect(upstream.heard()).toHaveLength(1)
  })
})

describe('the resources a client follows', () => {
  let nextId = 100
  const follow = (uri: string) => {
    nextId += 1
    return `{"jsonrpc":"2.0","id":${nextId},"method":"resources/subscribe","params":{"uri":"${uri}"}}`
  }
  const uris = (count: number) => Array.from({ length: count }, (_, index) => `note://${index}`)

  it('are at most 256 in one MCP session, however fast they are asked for', async () => {
    const headers = await session(writer, '2025-06-18')
    const answers = await Promise.all(
      uris(300).map(async (uri) => (await post(writer, follow(uri), headers)).text),
    )
    expect(answers.filter((text) => text.includes('"result"'))).toHaveLength(256)
    expect(answers.filter((text) => text.includes('follows 256 resources already'))).toHaveLength(
      44,
    )
    expect(upstream.heard()).toHaveLength(256)
    const away = message('"method":"resources/unsubscribe","params":{"uri":"note://0"}')
    await post(writer, away, headers)
    expect((await post(writer, follow('note://new'), headers)).text).toContain('"result"')
  })

  it('are at most 256 in one stream of 2026-07-28', async () => {
    const filter = `"notifications":{"resourceSubscriptions":${JSON.stringify(uris(257))}}`
    const body = message(
      `"method":"subscriptions/listen","params":{${envelope('2026-07-28')},${filter}}`,
    )
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
    expect((await post(writer, body, headers)).text).toContain('at most 256 resources')
    expect(upstream.heard()).toEqual([])
  })
})

describe('a guarded tool of a server that nobody has seen yet', () => {
  it('takes its scope as soon as it is there', async () => {
    const { promise: ready, resolve: begin } = Promise.withResolvers<void>()
    const late = await startRecordingUpstream(lists, ready)
    const starting = await startGuarded(late)
    try {
      const token = await issuer.mint({ resource: starting.url(), scopes: 'mcp' })
      const calling = fetch(starting.url(), {
        method: 'POST',
        headers: {
          accept,
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          ...(await headersFor('2026-07-28', token)),
        },
        body: call('2026-07-28', '"name":"write"'),
      })
      begin()
      expect((await calling).status).toBe(403)
      expect(late.heard()).toEqual([])
    } finally {
      await starting.close()
      await late.close()
    }
  })
})
