import type { UpstreamConnection } from '../upstreams/connection.ts'
import { paramHeaders } from '../upstreams/param-headers.ts'
import type { UpstreamFailure } from '../upstreams/transport.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { type Edits, editObject, memberText } from '../wire/json-text.ts'
import { isJsonObject, type JsonObject, progressTokenOf } from '../wire/message.ts'
import { callerMetaKey, metaKeys, modernRevision, nameFieldOf, rpcCodes } from '../wire/protocol.ts'
import { errorText, failureReason, RpcError, upstreamFailure } from '../wire/rpc-error.ts'
import { answerRounds } from './answer-rounds.ts'
import { type Attempt, type CallAnswer, type ClientCall, refuse } from './client-call.ts'
import { createHeldCalls } from './held-calls.ts'

/** A request under a server's own names, and the server. */
export interface Route {
  readonly upstream: Upstream
  /** Params as text. */
  readonly params: string | undefined
  /** What `params.name` or `params.uri` says there. */
  readonly name: string | undefined
  /** The tool's definition, as far as it is known, when it is a `tools/call`. */
  readonly tool?: JsonObject | undefined
  /** Writes the server's result anew where the profile shows other names than it uses. */
  readonly translate?: ((result: string) => string) | undefined
  /** The result to give where no answer can be had, such as a list that was kept. */
  readonly kept?: (() => string) | undefined
  /** Sees the result, parsed, before its client does. */
  readonly observe?: ((result: unknown) => void) | undefined
  /** Decides whether a refusal lets the next server try, which is then called. */
  readonly otherwise?: ((error: unknown) => boolean) | undefined
}

/** Carries calls between clients and servers, of the same era or of different ones. */
export function createRelay() {
  const held = createHeldCalls()

  /** Sends a call to a server; the client is answered in any case. */
  function forward(route: Route, call: ClientCall): void {
    const connection = route.upstream.ready(call.session)
    if (connection) begin(connection, route, call)
    else {
      let isCancelled = false
      call.cancel = () => {
        isCancelled = true
      }
      route.upstream
        .connection(call.session)
        .then((opened) => isCancelled || begin(opened, route, call))
        .catch((error: unknown) => isCancelled || giveUp(route, call, error))
    }
  }

  function begin(connection: UpstreamConnection, route: Route, call: ClientCall): void {
    const onAnswer = (answer: CallAnswer, value: unknown) => deliver(route, call, { answer, value })
    if (call.era === connection.era) {
      send(connection, route, call, { onAnswer })
    } else if (call.era === 'legacy') {
      answerRounds(call, onAnswer, (attempt) => send(connection, route, call, attempt))
    } else {
      held.run(call, onAnswer, (attempt) => send(connection, route, call, attempt))
    }
  }

  return { forward, close: held.close }
}

export type Relay = ReturnType<typeof createRelay>

function deliver(
  route: Route,
  call: ClientCall,
  { answer, value }: { answer: CallAnswer; value: unknown },
): void {
  if (answer.kind === 'error') {
    if (!route.otherwise?.(value)) call.answer(answer)
    return
  }
  const { translate, observe } = route
  observe?.(value)
  call.answer(translate ? { ...answer, body: translate(answer.body) } : answer)
}

/**
 * Sends a call over a connection. One that was lost is sent once more where that cannot do a thing
 * twice: when the server never saw it, or when it is harmless to repeat.
 */
function send(
  connection: UpstreamConnection,
  route: Route,
  call: ClientCall,
  attempt: Attempt,
  isRepeated = false,
): void {
  const { upstream } = route
  const { request } = call
  const token = progressTokenOf(request.params)
  const owner = attempt.owner ?? call.owner
  call.trace?.sent(upstream.name)
  call.cancel = connection.call(
    {
      method: request.method,
      params: paramsFor(connection, route, call, attempt.edits),
      hasProgress: token !== undefined,
      name: nameFieldOf(request.method) === undefined ? undefined : route.name,
      headers:
        connection.era === 'modern' && request.method === 'tools/call'
          ? paramHeaders(route.tool, request.params?.arguments)
          : undefined,
      timeoutMs: upstream.config.timeoutMs,
    },
    {
      owner,
      answered({ kind, body, status, value }) {
        call.trace?.returned()
        attempt.onAnswer(bridged(connection, call, { kind, body, status }), value)
      },
      progress: (params) =>
        owner.tell(
          'notifications/progress',
          editObject(params, { progressToken: JSON.stringify(token) }),
        ),
      paused: (retryMs) => call.pause(retryMs),
      failed: (failure) =>
        void recover(failure).catch((error: unknown) => {
          if (route.kept) return giveUp(route, call, error)
          attempt.onAnswer({ kind: 'error', body: errorText(error) }, undefined)
        }),
    },
  )

  async function recover(failure: UpstreamFailure): Promise<void> {
    if (failure.kind === 'timeout') throw tooSlow(upstream)
    const login = await upstream.loginNeeded()
    if (login) throw login
    // A server that refuses connections has gone, whatever was open to it.
    if (failure.kind === 'unseen' && connection.closedFor === undefined)
      await connection.abandon(failureReason(failure))
    const isSafe =
      failure.kind === 'unseen' || (failure.kind === 'lost' && isRepeatable(route, call))
    if (isRepeated || !isSafe) throw upstreamFailure(upstream.name, failureReason(failure))
    const next = await upstream.connection(call.session)
    if (next.era !== connection.era) throw upstreamFailure(upstream.name, failureReason(failure))
    send(next, route, call, attempt, true)
  }
}

/** There is no answer: what was kept stands in for it where there is such. */
function giveUp({ kept }: Route, call: ClientCall, error: unknown): void {
  if (kept) call.answer({ kind: 'result', body: kept() })
  else refuse(call, error)
}

/** What can be asked twice without a second effect, by MCP itself. */
const harmless: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/list',
])

function isRepeatable({ tool }: Route, { request }: ClientCall): boolean {
  if (harmless.has(request.method)) return true
  const annotations = isJsonObject(tool?.annotations) ? tool.annotations : {}
  return annotations.readOnlyHint === true || annotations.idempotentHint === true
}

function tooSlow({ name, config }: Upstream): RpcError {
  return new RpcError(
    rpcCodes.upstreamUnavailable,
    `upstream "${name}" did not answer within ${config.timeoutMs / 1000} s; ` +
      `"timeoutSeconds" of mcpServers.${name} sets that limit`,
    { server: name },
  )
}

/** The params in the words of the server's era, with what was asked to be forwarded. */
export function paramsFor(
  connection: UpstreamConnection,
  { params, upstream }: Pick<Route, 'params' | 'upstream'>,
  call: ClientCall,
  edits: Edits | undefined,
): string | undefined {
  const meta: Record<string, string | undefined> = {}
  if (upstream.config.forwardCaller) meta[callerMetaKey] = JSON.stringify(call.caller)
  let others = edits
  if (connection.era !== call.era) {
    if (call.era === 'legacy') Object.assign(meta, envelopeEdits(connection, call))
    else {
      for (const key of envelopeKeys) meta[key] = undefined
      others = { inputResponses: undefined, requestState: undefined, ...edits }
    }
  }
  const isPlain = others === undefined && Object.keys(meta).length === 0
  if (isPlain) return params
  const text = params ?? '{}'
  const metaText = editObject(memberText(text, '_meta') ?? '{}', meta)
  return editObject(text, { ...others, _meta: metaText === '{}' ? undefined : metaText })
}

const envelopeKeys = [
  metaKeys.protocolVersion,
  metaKeys.clientInfo,
  metaKeys.clientCapabilities,
  metaKeys.logLevel,
]

/** What 2026-07-28 says with every request, of a client that said it once. */
function envelopeEdits(
  { handshake }: UpstreamConnection,
  { clientInfo, owner }: ClientCall,
): Record<string, string> {
  const { capabilities } = owner
  // Without one a 2026-07-28 server is silent, where one of 2025 decides for itself what to say.
  const logLevel = owner.logLevel === 'all' ? 'info' : owner.logLevel
  const isSaid = logLevel !== 'none' && handshake.capabilities.logging !== undefined
  return {
    [metaKeys.protocolVersion]: JSON.stringify(modernRevision),
    [metaKeys.clientInfo]: JSON.stringify(clientInfo),
    [metaKeys.clientCapabilities]: JSON.stringify(capabilities),
    ...(isSaid && { [metaKeys.logLevel]: JSON.stringify(logLevel) }),
  }
}

/** A result in the words of the client's era; an error has the same in both. */
export function bridged(
  { era, handshake }: Pick<UpstreamConnection, 'era' | 'handshake'>,
  call: ClientCall,
  answer: CallAnswer,
): CallAnswer {
  if (era === call.era) return answer
  if (answer.kind === 'error') return { kind: 'error', body: answer.body }
  return { kind: 'result', body: resultIn(call, answer.body, handshake.serverInfo) }
}

/** Lists and reads say how long they may be kept (2026-07-28); a 2025 server does not know. */
const cacheable: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** A result that was not written for the client's era, as it is there. */
export function resultIn(
  { era, request }: ClientCall,
  result: string,
  serverInfo: JsonObject | undefined,
): string {
  const meta = memberText(result, '_meta')
  const isCacheable = cacheable.has(request.method)
  if (era === 'legacy') {
    const kept = meta && editObject(meta, { [metaKeys.serverInfo]: undefined })
    return editObject(result, {
      resultType: undefined,
      ...(isCacheable && { ttlMs: undefined, cacheScope: undefined }),
      _meta: kept === '{}' ? undefined : kept,
    })
  }
  const named = editObject(meta ?? '{}', {
    ...(serverInfo && { [metaKeys.serverInfo]: JSON.stringify(serverInfo) }),
  })
  return editObject(result, {
    resultType: memberText(result, 'resultType') ?? '"complete"',
    ...(isCacheable &&
      memberText(result, 'ttlMs') === undefined && { ttlMs: '0', cacheScope: '"private"' }),
    ...(named !== '{}' && { _meta: named }),
  })
}
