import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FastEdge } from '../../src/mcp/fast-path/fast-path.ts'
import { createFastRequests } from '../../src/mcp/fast-path/fast-requests.ts'
import { closeAfterEach } from '../fixtures/cleanup.ts'
import { resolveTestFile, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { definitions, halfTold, keys, rawTools, timedTools } from '../fixtures/raw-tools.ts'
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts'

// Two gateways, with and without the fast path, before one upstream: every call is put to both.

type Fields = Record<string, unknown>

const revision = '2026-07-28'
const tools = { ...rawTools, ...timedTools }

interface Call {
  readonly name: string
  readonly arguments?: Fields
  readonly meta?: Fields
  readonly id?: unknown
  readonly headers?: Record<string, string>
  readonly params?: Fields
  readonly message?: Fields
  readonly profile?: string
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** A JSON body, or the data of each event. */
  readonly body: unknown
}

const closing = closeAfterEach()
const agent = new Agent({ connections: 64 })
const taken: FastEdge[] = []
let upstream: RawUpstream
/** Announces no log messages, and sends them all the same. */
let unannounced: RawUpstream
let fast: TestGateway
let slow: TestGateway

beforeAll(async () => {
  upstream = await startRawUpstream({ tools, definitions })
  unannounced = await startRawUpstream({ tools: rawTools, capabilities: { tools: {} } })
  const start = (isOn: boolean) =>
    startTestGateway({
      fastPath: { isOn, onTaken: (edge) => taken.push(edge) },
      servers: {
        one: { url: upstream.url, headers: { 'X-Key': ' k ', Accept: '*/*' } },
        two: { url: upstream.url, forwardCaller: true },
        three: { url: unannounced.url },
        hasty: { url: upstream.url, timeoutMs: 400 },
      },
      profiles: {
        default: { servers: ['one'], tools: { rename: { 'one/plain': 'simple' } } },
        both: { servers: ['one', 'two'] },
        two: { servers: ['two'] },
        hasty: { servers: ['hasty'] },
        unannounced: { servers: ['three'] },
      },
    })
  ;[fast, slow] = await Promise.all([start(true), start(false)])
})

afterAll(async () => {
  await Promise.all([fast?.close(), slow?.close(), agent.close()])
  await Promise.all([upstream?.close(), unannounced?.close()])
})

function toInit(call: Call) {
  const { name, meta = {}, id = 1 } = call
  const _meta = {
    [keys.version]: revision,
    [keys.capabilities]: { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } },
    [keys.info]: { name: 'tester', version: '1', title: 'Tester' },
    ...meta,
  }
  const args = call.arguments && { arguments: call.arguments }
  const params = { name, ...args, _meta, ...call.params }
  return {
    method: 'POST' as const,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': 'tools/call',
      'mcp-name': name,
      ...call.headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params, ...call.message }),
  }
}

async function put(gateway: TestGateway, call: Call, signal?: AbortSignal): Promise<Answer> {
  const answer = await request(gateway.url(call.profile), {
    ...toInit(call),
    dispatcher: agent,
    signal: signal ?? null,
  })
  const text = await answer.body.text()
  const { date: _date, ...headers } = answer.headers
  const isStream = String(headers['content-type']).startsWith('text/event-stream')
  const events = isStream ? text.split('\n\n').filter((event) => event !== '') : undefined
  const body = events
    ? events.map((event) => JSON.parse(event.replace('event: message\ndata: ', '')))
    : text && JSON.parse(text)
  return { status: answer.statusCode, headers, body }
}

/** What the upstream saw of the last call, apart from the ids that every connection counts. */
function lastSeen() {
  const { headers, message } = upstream.calls.at(-1) ?? {}
  const { _meta: meta, ...params } = message?.params ?? {}
  const { progressToken, 'dev.sallyport/caller': caller, ...others } = (meta ?? {}) as Fields
  // Each gateway has a port of its own.
  if (caller) others.caller = { ...caller, origin: 'its own' }
  const { 'content-length': _length, ...rest } = headers ?? {}
  return { headers: rest, params, meta: others, hasToken: progressToken !== undefined }
}

/** An answer may have cost the connection; whoever comes next finds it open. */
async function ready(gateway: TestGateway): Promise<void> {
  const servers = () => gateway.gateway.status().profiles.flatMap((profile) => profile.servers)
  const areUp = () => servers().every(({ state }) => state === 'up')
  if (!areUp()) await gateway.gateway.reopen()
  await expect.poll(areUp).toBe(true)
}

async function expectSame(call: Call): Promise<Answer> {
  await Promise.all([fast, slow].map(ready))
  const before = upstream.calls.length
  const expected = await put(slow, call)
  const seenBySlow = upstream.calls.length - before
  const seen = lastSeen()
  taken.length = 0
  const actual = await put(fast, call)
  expect(actual).toEqual(expected)
  expect(upstream.calls.length - before - seenBySlow).toBe(seenBySlow)
  expect(lastSeen()).toEqual(seen)
  return actual
}

const lost = ['closes', 'closes_midway', 'gone', 'never']
const usual = Object.keys(rawTools).filter((name) => !lost.includes(name) && name !== 'plain')

describe('the fast path answers as the slow one does', () => {
  it.each(usual)('to a tool of the kind "%s"', async (name) => {
    await expectSame({ name, arguments: { a: 1 } })
    expect(taken).toEqual(['client', 'upstream'])
  })

  it.each<[string, Call, unknown?]>([
    ['a string for an id', { name: 'echo', id: 'a/1', arguments: { a: 'ů' } }],
    ['zero for an id', { name: 'echo', id: 0 }],
    ['no arguments', { name: 'echo' }],
    ['unknown params', { name: 'echo', params: { 'x-more': { a: [1] } } }],
    ['unknown _meta', { name: 'echo', meta: { 'example.com/a': 1, traceparent: '00-1-2-3' } }],
    ['an empty capability', { name: 'echo', meta: { [keys.capabilities]: {} } }],
    ['extensions', { name: 'echo', meta: { [keys.capabilities]: { extensions: { 'a/b': {} } } } }],
    ['no client information', { name: 'echo', meta: { [keys.info]: undefined } }],
    ['a renamed tool', { name: 'simple' }],
    ['a prefixed tool', { name: 'one__echo', profile: 'both', arguments: {} }],
    ['an upstream that hears the caller', { name: 'echo', profile: 'two' }],
    ['a progress token', { name: 'progressing', meta: { progressToken: 'token' } }],
    ['a number for a progress token', { name: 'progressing', meta: { progressToken: 0 } }],
    ['the level warning', { name: 'logging', meta: { [keys.level]: 'warning' } }],
    ['the level debug', { name: 'logging', meta: { [keys.level]: 'debug' } }],
    ['an error after a message', { name: 'error_after_log', meta: { [keys.level]: 'debug' } }],
    ['an image after a message', { name: 'image_after_log', meta: { [keys.level]: 'debug' } }],
    ['a stream in odd pieces', { name: 'odd_stream', meta: { [keys.level]: 'debug' } }],
    ['a page of an allowed origin', { name: 'echo', headers: { origin: 'http://localhost:6274' } }],
    [
      'parameters in headers',
      {
        name: 'deploy',
        arguments: { region: 'střed', count: 2 },
        headers: {
          'mcp-param-region': `=?base64?${Buffer.from('střed').toString('base64')}?=`,
          'mcp-param-count': '2.0',
        },
      },
    ],
  ])('to a call with %s', async (_what, call) => {
    const answer = await expectSame(call)
    expect(answer.status).toBe(200)
    expect(taken).toEqual(['client', 'upstream'])
  })

  it('to a tool that logs though its server announced no log messages', async () => {
    const call = { name: 'logging', profile: 'unannounced', meta: { [keys.level]: 'debug' } }
    const expected = await put(slow, call)
    expect(await put(fast, call)).toEqual(expected)
    expect(expected.body).toHaveLength(2)
  })

  it('to twenty calls at once, each with its own result', async () => {
    const texts = (gateway: TestGateway) =>
      Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          put(gateway, { name: 'echo', id: n, arguments: { n } }),
        ),
      )
    expect(await texts(fast)).toEqual(await texts(slow))
  })

  it.each(lost.slice(0, 3))('when the upstream is lost: "%s"', async (name) => {
    await expectSame({ name })
    // The connection that was given up is opened again.
    await expectSame({ name: 'echo', arguments: { again: true } })
  })

  it('while the upstream is restarted, and afterwards', async () => {
    await expectSame({ name: 'echo', arguments: { n: 1 } })
    await upstream.restart(async () => {
      const call = { name: 'echo', profile: 'two' }
      const [expected, actual] = await Promise.all([slow, fast].map((one) => put(one, call)))
      expect(actual).toEqual(expected)
      expect(JSON.stringify(actual?.body)).toContain('ECONNREFUSED')
    })
    for (const gateway of [slow, fast]) {
      await expect
        .poll(async () => (await put(gateway, { name: 'echo', arguments: {} })).body)
        .toMatchObject({ result: { content: [{ text: '{}' }] } })
    }
    await expectSame({ name: 'echo', arguments: { n: 2 } })
  })

  it('when the time limit is over', async () => {
    const { body } = await expectSame({ name: 'never', profile: 'hasty' })
    expect(body).toMatchObject({ error: { message: expect.stringContaining('within 0.4 s') } })
  })
})

describe('the fast path is left to the SDK', () => {
  const { capabilities, info, level, version } = keys
  it.each<[string, Call, FastEdge[], unknown?]>([
    ['an unknown tool', { name: 'nobody' }, []],
    ['an older revision in the body', { name: 'echo', meta: { [version]: '2025-11-25' } }, []],
    ['a newer revision', { name: 'echo', meta: { [version]: '2030-01-01' } }, []],
    ['no revision', { name: 'echo', meta: { [version]: undefined } }, []],
    ['no capabilities', { name: 'echo', meta: { [capabilities]: undefined } }, []],
    ['capabilities of no form', { name: 'echo', meta: { [capabilities]: { roots: 1 } } }, []],
    [
      'further capabilities',
      { name: 'echo', meta: { [capabilities]: { roots: { a: 1 } } } },
      ['upstream'],
    ],
    ['a client without a version', { name: 'echo', meta: { [info]: { name: 'x' } } }, []],
    [
      'a client with icons',
      { name: 'echo', meta: { [info]: { name: 'x', version: '1', icons: [] } } },
      ['upstream'],
    ],
    ['an unknown level', { name: 'echo', meta: { [level]: 'loud' } }, []],
    ['a progress token of no type', { name: 'echo', meta: { progressToken: 1.5 } }, []],
    [
      'a task',
      { name: 'echo', meta: { 'io.modelcontextprotocol/related-task': { taskId: '1' } } },
      ['upstream'],
    ],
    ['answers to questions', { name: 'echo', params: { inputResponses: {} } }, ['upstream']],
    ['a request state', { name: 'echo', params: { requestState: 's' } }, ['upstream']],
    ['no id', { name: 'echo', message: { id: undefined } }, []],
    ['null for an id', { name: 'echo', message: { id: null } }, []],
    ['half an id', { name: 'echo', message: { id: 1.5 } }, []],
    ['more beside its params', { name: 'echo', message: { extra: 1 } }, []],
    ['another JSON-RPC', { name: 'echo', message: { jsonrpc: '1.0' } }, []],
    ['a name of no type', { name: 'echo', params: { name: 7 } }, []],
    [
      'another revision in its header',
      { name: 'echo', headers: { 'mcp-protocol-version': '2025-11-25' } },
      [],
    ],
    ['another method in its header', { name: 'echo', headers: { 'mcp-method': 'tools/list' } }, []],
    ['another name in its header', { name: 'echo', headers: { 'mcp-name': 'plain' } }, []],
    [
      'an encoded name',
      { name: 'echo', headers: { 'mcp-name': '=?base64?ZWNobw==?=' } },
      ['upstream'],
    ],
    ['a missing parameter header', { name: 'deploy', arguments: { region: 'eu' } }, []],
    ['an Accept of its own', { name: 'echo', headers: { accept: '*/*' } }, ['upstream']],
  ])('for a call with %s', async (_what, call, edges) => {
    await expectSame(call)
    expect(taken).toEqual(edges)
  })

  it('for a batch', async () => {
    const batch = async (gateway: TestGateway) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': revision,
      }
      const answer = await fetch(gateway.url(), { method: 'POST', headers, body: '[]' })
      return { status: answer.status, body: await answer.json() }
    }
    taken.length = 0
    expect(await batch(fast)).toEqual(await batch(slow))
    expect(taken).toEqual([])
  })
})

describe('on the fast path', () => {
  it('a client that leaves cancels the call of the upstream at once', async () => {
    const before = upstream.cancelled()
    const seen = upstream.calls.length
    const abort = new AbortController()
    const call = put(fast, { name: 'never', profile: 'two' }, abort.signal)
    await expect.poll(() => upstream.calls.length).toBe(seen + 1)
    abort.abort()
    await expect(call).rejects.toThrow()
    await expect.poll(() => upstream.cancelled()).toBe(before + 1)
  })

  it('progress extends the time limit', async () => {
    const { body } = await put(fast, {
      name: 'steps',
      profile: 'hasty',
      meta: { progressToken: 'p' },
    })
    expect(body).toHaveLength(5)
    expect(body).toMatchObject({ 4: { result: { content: [{ text: 'done' }] } } })
    const without = await put(fast, { name: 'steps', profile: 'hasty' })
    expect(without.body).toMatchObject({ error: { message: expect.stringContaining('0.4 s') } })
  })

  it('events arrive as they come', async () => {
    const answer = await fetch(
      fast.url('two'),
      toInit({ name: 'half_told', meta: { [keys.level]: 'debug' } }),
    )
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    // The upstream sends no more before it is told that the first one was read.
    expect((await reader?.read())?.value).toContain('notifications/message')
    halfTold.goOn()
    expect((await reader?.read())?.value).toContain('"done"')
  })

  it('a log message reaches the caller it is for, and nobody else', async () => {
    const told = put(fast, { name: 'logging', meta: { [keys.level]: 'debug' } })
    const untold = put(fast, { name: 'slow', meta: { [keys.level]: 'debug' } })
    expect((await told).body).toHaveLength(6)
    expect((await untold).body).toMatchObject({ result: { content: [{ text: 'slow' }] } })
  })

  it('a stream that ends early fails the call at once, and no other', async () => {
    await ready(fast)
    const other = put(fast, { name: 'slow' })
    const { body } = await put(fast, { name: 'ends_early', meta: { [keys.level]: 'debug' } })
    expect(body).toMatchObject([
      { method: 'notifications/message' },
      { error: { code: -32000, message: 'upstream "one" failed: its answer ended early' } },
    ])
    expect((await other).status).toBe(200)
  })

  it.each([
    ['the access token', {}, 'Bearer secret'],
    ['what the configuration says instead', { Authorization: 'Basic a2V5' }, 'Basic a2V5'],
  ])('an upstream is shown %s', async (_what, headers, expected) => {
    const requests = createFastRequests({
      url: new URL(upstream.url),
      dispatcher: agent,
      headers,
      protocolVersion: revision,
      envelope: {},
      accessToken: async () => 'secret',
    })
    const call = { method: 'tools/call', params: { name: 'echo', arguments: {} } }
    expect(await requests.send(call, { timeoutMs: 5_000 })).toMatchObject({ kind: 'result' })
    expect(upstream.calls.at(-1)?.headers.authorization).toBe(expected)
  })

  it('a profile that is taken away ends the calls that are being answered', async () => {
    const gateway = closing(
      await startTestGateway({ servers: { two: { url: upstream.url } }, profiles: { gone: {} } }),
    )
    const before = upstream.cancelled()
    const seen = upstream.calls.length
    const call = put(gateway, { name: 'never', profile: 'gone' })
    await expect.poll(() => upstream.calls.length).toBe(seen + 1)
    const servers = { two: { url: upstream.url } }
    await gateway.gateway.applyFile(resolveTestFile(gateway.config, { servers }))
    expect((await call).status).toBe(499)
    await expect.poll(() => upstream.cancelled()).toBe(before + 1)
  })
})
