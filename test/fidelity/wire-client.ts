import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { readLines } from '../../src/lib/read-lines.ts'

export type Fields = Record<string, unknown>
export type Era = 'legacy' | 'modern'

/** What a client heard, in the order it came. */
export interface Heard {
  /** The stream of a call, or the one that belongs to none. */
  readonly on: 'call' | 'session'
  readonly text: string
  readonly message: Fields
}

/** What HTTP said to one POST, GET or DELETE. */
export interface HttpHeard {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Answers of the client to what servers ask, by method, as text. */
export const answers: Record<string, string> = {
  'elicitation/create': '"result":{"action":"accept","content":{"name":"Ada"},"x-answer":1}',
  'sampling/createMessage':
    '"result":{"role":"assistant","content":{"type":"text","text":"Hi"},"model":"m","x-answer":1}',
  'roots/list': '"result":{"roots":[{"uri":"file:///home/ada","name":"ada"}]}',
}
export const clientInfo = { name: 'wire-client', version: '0.0.1', title: 'Wire client' }
export const capabilities = {
  sampling: { tools: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
  experimental: { 'example.com/client': {} },
}
const meta = 'io.modelcontextprotocol/'
const envelope = {
  [`${meta}protocolVersion`]: '2026-07-28',
  [`${meta}clientInfo`]: clientInfo,
  [`${meta}clientCapabilities`]: capabilities,
}

/** A client without an SDK: what it sends and hears is text. */
export abstract class WireClient {
  readonly era: Era
  readonly heard: Heard[] = []
  /** Answers for this client alone. */
  readonly answers: Record<string, string> = { ...answers }
  /** What it declares. */
  capabilities: Fields = capabilities
  readonly #waiting = new Set<() => void>()
  protected lastId = 0

  constructor(era: Era) {
    this.era = era
  }

  protected abstract write(message: Written): void
  abstract close(): Promise<void>

  /** Opens the session of a 2025 client, or asks what a 2026 server is. */
  async open(protocolVersion = '2025-11-25'): Promise<Fields> {
    if (this.era === 'modern') return this.request('server/discover')
    const { capabilities: declared } = this
    const about = { protocolVersion, capabilities: declared, clientInfo }
    const answer = await this.request('initialize', about)
    const { result } = answer as { result?: { protocolVersion?: string } }
    this.opened(result?.protocolVersion ?? protocolVersion)
    this.notify('notifications/initialized')
    return answer
  }
  protected opened(_version: string): void {}

  /** Sends a request and resolves with its answer, rounds of questions included. */
  async request(method: string, params?: Fields): Promise<Fields> {
    const answer = await this.send(
      method,
      params === undefined ? undefined : JSON.stringify(params),
    )
    return JSON.parse(answer.text)
  }

  /** The same as text. */
  async send(method: string, params?: string): Promise<Heard> {
    const answer = await this.begin(method, params).answered
    const { result } = JSON.parse(answer.text)
    if (this.era === 'legacy' || result?.resultType !== 'input_required') return answer
    const responses = Object.entries(result.inputRequests ?? {}).map(([key, value]) => {
      const text = this.answers[String((value as Fields).method)] ?? '"error":{}'
      return `${JSON.stringify(key)}:${text.slice(text.indexOf(':') + 1)}`
    })
    const state = JSON.stringify(result.requestState)
    const about = state === undefined ? '' : `,"requestState":${state}`
    const more = `,"inputResponses":{${responses.join(',')}}${about}}`
    return this.send(method, (params ?? '{}').replace(/\}$/, more))
  }

  begin(method: string, params?: string): { id: number; answered: Promise<Heard>; cancel(): void } {
    this.lastId += 1
    const id = this.lastId
    const text = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${this.#withParams(params)}}`
    const answered = this.#answerTo(id)
    const written: Written = { text, id, method, params: params ?? '{}', end: undefined }
    this.write(written)
    const cancel = () => {
      if (written.end && this.era === 'modern') written.end()
      else this.notify('notifications/cancelled', { requestId: id, reason: 'enough' })
    }
    return { id, answered, cancel }
  }

  /** Sends a notification; `notifications` of 2025 alone have somewhere to go over HTTP. */
  notify(method: string, params?: Fields | string): void {
    const text = typeof params === 'string' ? params : JSON.stringify(params)
    const about = params === undefined ? '' : `,"params":${text}`
    const message = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${about}}`
    this.write({ text: message, id: undefined, method, params: '{}', end: undefined })
  }

  /** Resolves once something was heard. @throws after a generous while, with what was */
  until(what: (heard: Heard) => boolean, from = 0): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        reject(
          new Error(
            `not heard; but: ${this.heard
              .slice(from)
              .map(({ text }) => text.slice(0, 500))
              .join('\n')}`,
          ),
        )
      }, 60_000)
      const look = () => {
        const found = this.heard.slice(from).find(what)
        if (!found) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }

  #withParams(params: string | undefined): string {
    if (this.era === 'legacy') return params === undefined ? '' : `,"params":${params}`
    const own = params ?? '{}'
    const given = (JSON.parse(own) as { _meta?: Fields })._meta ?? {}
    const all = JSON.stringify({ ...envelope, ...given })
    // The order of the rest stays as it was written.
    const rest =
      Object.keys(given).length > 0
        ? own.replace(/,?"_meta":\{[^{}]*\}/, '').replace('{,', '{')
        : own
    return `,"params":${rest === '{}' ? `{"_meta":${all}}` : rest.replace(/^\{/, `{"_meta":${all},`)}`
  }

  #answerTo(id: number): Promise<Heard> {
    const isAnswer = ({ message }: Heard) => message.id === id && message.method === undefined
    return this.until(isAnswer, this.heard.length)
  }

  protected receive(text: string, on: Heard['on']): void {
    for (const part of text.startsWith('[') ? (JSON.parse(text) as Fields[]) : [parse(text)]) {
      const one = part === undefined ? { text, malformed: true } : part
      this.heard.push({ on, text, message: one })
      if (typeof one.method === 'string' && one.id !== undefined) this.#answer(one)
    }
    for (const look of [...this.#waiting]) look()
  }

  #answer({ id, method }: Fields): void {
    const body = this.answers[String(method)] ?? '"error":{"code":-32601,"message":"not here"}'
    const text = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${body}}`
    if (!body.startsWith('wait'))
      this.write({ text, id: undefined, method: '', params: '{}', end: undefined })
  }
}

interface Written {
  readonly text: string
  readonly id: number | undefined
  readonly method: string
  readonly params: string
  /** Ends the exchange, where there is one. */
  end: (() => void) | undefined
}

function parse(text: string): Fields | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // Not a message: it is heard as it is.
    return undefined
  }
}

/** One exchange over HTTP; the events or the JSON of its answer are given as they come. */
export function exchange(
  url: string,
  options: {
    method: string
    headers: Record<string, string>
    body?: string
    onText?: (text: string) => void
  },
): { heard: Promise<HttpHeard>; begun: Promise<IncomingMessage>; end(): void } {
  const { method, headers, body, onText } = options
  // A connection that is kept may be closed from the other side as it is used again.
  const request = httpRequest(url, { method, headers, agent: false })
  const begun = Promise.withResolvers<IncomingMessage>()
  const heard = Promise.withResolvers<HttpHeard>()
  request.on('error', (error) => {
    begun.reject(error)
    heard.reject(error)
  })
  request.on('response', (response) => {
    begun.resolve(response)
    const isStream = String(response.headers['content-type']).startsWith('text/event-stream')
    let text = ''
    let rest = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (!isStream) return
      // A message of megabytes is one line, and read once it is whole.
      if (!chunk.includes('\n')) {
        rest += chunk
        return
      }
      const events = (rest + chunk).replaceAll('\r\n', '\n').split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const lines = event.split('\n').filter((line) => line.startsWith('data: '))
        const data = lines.map((line) => line.slice(6)).join('\n')
        const isEndpoint = event.includes('event: endpoint')
        if (data !== '') onText?.(isEndpoint ? `endpoint ${data}` : data)
      }
    })
    response.on('end', () => {
      if (!isStream && text.startsWith('{')) onText?.(text)
      heard.resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
    })
    response.on('error', heard.reject)
  })
  request.end(body)
  begun.promise.catch(() => {})
  heard.promise.catch(() => {})
  return { heard: heard.promise, begun: begun.promise, end: () => void request.destroy() }
}

/** Streamable HTTP of either era. */
export class HttpClient extends WireClient {
  readonly url: string
  sessionId: string | undefined
  #version: string | undefined
  #listening: (() => void) | undefined
  readonly #open = new Set<() => void>()
  /** Notifications and answers are sent in order, each after the one before was taken. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(url: string, era: Era) {
    super(era)
    this.url = url
  }

  headersFor(method = '', params = '{}'): Record<string, string> {
    const { name, uri, taskId } = JSON.parse(params) as Record<string, string>
    const named =
      { 'tools/call': name, 'prompts/get': name, 'resources/read': uri }[method] ??
      (method.startsWith('tasks/') ? taskId : undefined)
    return {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
      ...(this.#version !== undefined && { 'mcp-protocol-version': this.#version }),
      ...(this.era === 'modern' && {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(named !== undefined && { 'mcp-name': named }),
      }),
    }
  }

  /** One request as it is given, told among what was heard. */
  async raw(method: string, headers: Record<string, string>, body?: string): Promise<void> {
    const { begun, end, heard } = exchange(this.url, {
      method,
      headers,
      ...(body !== undefined && { body }),
    })
    const response = await begun
    const type = response.headers['content-type']?.split(';')[0]
    const isStream = type === 'text/event-stream'
    const isEndless = isStream && method === 'GET'
    const text = isEndless ? '' : (await heard).body
    if (isEndless) end()
    const message = isStream ? parse(text.slice(text.lastIndexOf('data: ') + 6)) : parse(text)
    const http = { status: response.statusCode, type, allow: response.headers.allow, message }
    this.heard.push({ on: 'call', text, message: { http } })
  }

  protected override opened(version: string): void {
    this.#version = version
    const { 'content-type': _none, ...headers } = this.headersFor()
    const onText = (text: string) => this.receive(text, 'session')
    const stream = exchange(this.url, {
      method: 'GET',
      headers: { ...headers, accept: 'text/event-stream' },
      onText,
    })
    this.#listening = stream.end
    this.#last = stream.begun.catch(() => {
      // Closed before it began.
    })
  }

  protected write(written: Written): void {
    const before = this.#last
    const post = () => {
      const sent = exchange(this.url, {
        method: 'POST',
        headers: this.headersFor(written.method, written.params),
        body: written.text,
        onText: (text) => this.receive(text, 'call'),
      })
      written.end = sent.end
      this.#open.add(sent.end)
      sent.begun.then(
        (response) => {
          const id = response.headers['mcp-session-id']
          if (typeof id === 'string') this.sessionId = id
        },
        () => {},
      )
      sent.heard.finally(() => this.#open.delete(sent.end)).catch(() => {})
      return sent
    }
    this.#last = before.then(() => {
      const sent = post()
      return written.id === undefined ? sent.begun.catch(() => {}) : undefined
    })
  }

  async close(): Promise<void> {
    this.#listening?.()
    for (const end of [...this.#open]) end()
    if (this.sessionId === undefined) return
    await exchange(this.url, { method: 'DELETE', headers: this.headersFor() }).heard
  }
}

/** HTTP+SSE of 2024-11-05. */
export class SseClient extends WireClient {
  readonly #url: string
  readonly #end: () => void
  readonly #messages: Promise<string>
  #last: Promise<unknown> = Promise.resolve()

  constructor(url: string) {
    super('legacy')
    this.#url = url
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#messages = promise
    const onText = (text: string) =>
      text.startsWith('endpoint ')
        ? resolve(new URL(text.slice(9), url).href)
        : this.receive(text, 'call')
    this.#end = exchange(url, {
      method: 'GET',
      headers: { accept: 'text/event-stream' },
      onText,
    }).end
  }

  protected write({ text }: Written): void {
    this.#last = this.#last.then(async () => {
      const headers = { 'content-type': 'application/json' }
      await exchange(await this.#messages, { method: 'POST', headers, body: text }).heard
    })
  }
  async close(): Promise<void> {
    this.#end()
    await this.#url
  }
}

/** A pipe to a process of its own. */
export class StdioClient extends WireClient {
  readonly #child

  constructor(
    era: Era,
    [command = '', ...args]: readonly string[],
    options: Pick<SpawnOptions, 'cwd' | 'env'> = {},
  ) {
    super(era)
    this.#child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#child.stdin.on('error', () => {})
    readLines(this.#child.stdout, (line) => this.receive(line, 'call'), Infinity)
  }
  protected write({ text }: Written): void {
    this.#child.stdin.write(`${text}\n`)
  }
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1_000)
    await gone
    clearTimeout(timer)
  }
}
