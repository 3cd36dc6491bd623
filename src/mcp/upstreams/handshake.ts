import type { ServerConfig } from '../../config/resolved-config.ts'
import { isJsonObject, type JsonObject, metaOf } from '../wire/message.ts'
import { type Era, legacyRevisions, metaKeys, modernRevision } from '../wire/protocol.ts'
import { UpstreamFailure } from './transport.ts'

/**
 * How long `server/discover` may go unanswered before a server is taken for a 2025 one, ms: some never
 * answer over stdio what they do not know, where HTTP has an answer to everything.
 */
const probeMs = { stdio: 3_000, http: 15_000, sse: 15_000 }

/** What a server said of itself: its answer to `initialize` or `server/discover`, as it came. */
export interface Handshake extends JsonObject {
  readonly capabilities: JsonObject
  readonly serverInfo?: JsonObject
  readonly instructions?: string
}

interface Client {
  readonly clientInfo: JsonObject
  readonly capabilities: JsonObject
}

/** The `_meta` that every request of our own carries in 2026-07-28. */
export function envelopeOf({ clientInfo, capabilities }: Client): JsonObject {
  return {
    [metaKeys.protocolVersion]: modernRevision,
    [metaKeys.clientInfo]: clientInfo,
    [metaKeys.clientCapabilities]: capabilities,
  }
}

/**
 * Agrees with a server on a revision: asks for the newest with `server/discover`, and goes back to
 * `initialize` where it knows no such question.
 * @throws RpcError | UpstreamFailure
 */
export async function shakeHands(
  wanted: 'auto' | Era,
  options: Client & {
    config: ServerConfig
    ask(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject>
    isClosed(): boolean
    timeoutMs: number
  },
): Promise<{ era: Era; protocolVersion: string; handshake: Handshake }> {
  const { ask, timeoutMs, clientInfo, capabilities } = options
  if (wanted !== 'legacy') {
    const patienceMs = wanted === 'modern' ? timeoutMs : probeMs[options.config.type]
    const asked = ask('server/discover', { _meta: envelopeOf(options) }, patienceMs)
    const discovered = await asked.catch((error: unknown) => {
      // Whatever else a 2025 server says to such a question, it was not made for it.
      if (wanted === 'modern' || options.isClosed() || needsLogin(error)) throw error
      return undefined
    })
    if (discovered && speaksModern(discovered)) {
      return { era: 'modern', protocolVersion: modernRevision, handshake: toHandshake(discovered) }
    }
  }
  const params = { protocolVersion: legacyRevisions[0], capabilities, clientInfo }
  const result = await ask('initialize', params, timeoutMs)
  const { protocolVersion: chosen } = result
  const protocolVersion = typeof chosen === 'string' ? chosen : legacyRevisions[0]
  return { era: 'legacy', protocolVersion, handshake: toHandshake(result) }
}

function speaksModern({ supportedVersions }: JsonObject): boolean {
  return Array.isArray(supportedVersions) && supportedVersions.includes(modernRevision)
}

function toHandshake(result: JsonObject): Handshake {
  const serverInfo = result.serverInfo ?? metaOf(result)?.[metaKeys.serverInfo]
  return {
    ...result,
    capabilities: isJsonObject(result.capabilities) ? result.capabilities : {},
    ...(isJsonObject(serverInfo) && { serverInfo }),
  }
}

/** A refusal by status alone is what many 2025 servers answer to a question they do not know. */
function needsLogin(error: unknown): boolean {
  if (!(error instanceof UpstreamFailure) || error.kind === 'timeout') return false
  return error.kind !== 'refused' || error.cause !== undefined
}
