import type { Profile } from '../profile.ts'
import { isJsonObject, type JsonObject, type Request } from '../wire/message.ts'
import { legacyRevisions, rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'

/** What is kept of a client in memory, such as its icons, characters of JSON. */
const longestTerms = 256 * 1024

/** What a client said of itself with `initialize`, and where. */
export interface SessionTerms {
  readonly protocolVersion: string
  readonly clientInfo: JsonObject
  readonly capabilities: JsonObject
  readonly principal: string
}

/** The answer to `initialize`. */
export function initializeResult(profile: Profile, protocolVersion: string): string {
  const { capabilities, serverInfo, instructions, others } = profile.identity('legacy')
  return JSON.stringify({
    protocolVersion,
    capabilities,
    serverInfo,
    ...(instructions !== undefined && { instructions }),
    ...others,
  })
}

/**
 * What `initialize` asks for, and the revision it is given.
 * @throws RpcError -32602 when the client says more of itself than is kept
 */
export function termsOf(request: Request, principal: string): SessionTerms {
  const { protocolVersion, clientInfo, capabilities } = request.params ?? {}
  const known = legacyRevisions.find((revision) => revision === protocolVersion)
  const terms = {
    protocolVersion: known ?? legacyRevisions[0],
    clientInfo: isJsonObject(clientInfo) ? clientInfo : {},
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    principal,
  }
  if (lengthOf(terms) > longestTerms) throw tooLong()
  return terms
}

/** As JSON; infinite where it is nested more deeply than can be written. */
export function lengthOf(terms: SessionTerms): number {
  try {
    return JSON.stringify(terms).length
  } catch {
    // V8 reads any depth, and writes some thousands.
    return Infinity
  }
}

export function tooLong(): RpcError {
  const message = 'Invalid params: what the client says of itself is too long, or nested too deeply'
  return new RpcError(rpcCodes.invalidParams, message)
}
