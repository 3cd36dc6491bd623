import {
  isJsonObject,
  type JsonObject,
  metaOf,
  type Notification,
  type Request,
} from '../wire/message.ts'
import { passesLogLevel, rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'

/**
 * Whoever an upstream's own messages may be meant for: an MCP session, or one call of it, or one
 * 2026-07-28 call. Calls of one session share its `ownerId`.
 */
export interface MessageOwner {
  readonly ownerId: string
  /** Whose its tasks are, see {@link taskOwnerOf}. */
  readonly taskOwner: string
  /** What the client behind it declared. */
  readonly capabilities: JsonObject
  /** Least severe log message it wants; `all` while it leaves that to the server, `none` for none. */
  readonly logLevel: string | 'all' | 'none'
  tell(method: string, params: string | undefined): void
  /** Puts a request of the upstream to the client; the returned function takes it back, in its words. */
  ask(question: Question): (params?: string) => void
}

/** A request of a server's, on its way to a client. */
export interface Question {
  readonly request: Request
  /** @param body the text of the result, or of the error */
  answer(kind: 'result' | 'error', body: string): void
  /** The client tells how far it is, in params under the server's own token. */
  progress(params: string): void
}

const capabilityFor: ReadonlyMap<string, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
])

/**
 * Decides to whom a server's question goes that came on no call's own stream. Nothing on the wire says
 * whose it is: it goes to the only client that is calling (else, to the only one there is), and is
 * refused rather than shown to the wrong person when there are several.
 * @throws RpcError the server's answer, when nobody can be asked
 */
export function ownerOfQuestion(
  server: string,
  request: Request,
  candidates: readonly MessageOwner[],
): MessageOwner {
  const able = candidates.filter((owner) => canAnswer(owner, request))
  const owner = able.at(-1)
  if (!owner) {
    throw new RpcError(
      rpcCodes.methodNotFound,
      `no connected client can answer "${request.method}" at this moment`,
    )
  }
  if (able.some(({ ownerId }) => ownerId !== owner.ownerId)) {
    throw new RpcError(
      rpcCodes.invalidRequest,
      `"${request.method}" from "${server}" cannot be told apart: several clients are calling it. ` +
        `Set "isolation": "session" for mcpServers.${server} in the configuration file.`,
    )
  }
  return owner
}

function canAnswer(owner: MessageOwner, request: Request): boolean {
  const name = capabilityFor.get(request.method)
  if (name === undefined) return true
  const capability = owner.capabilities[name] as JsonObject | undefined
  if (capability === undefined) return false
  // URL mode must be declared; an empty elicitation capability means form mode alone.
  const isUrl = name === 'elicitation' && request.params?.mode === 'url'
  return !isUrl || capability.url !== undefined
}

const relatedTaskKey = 'io.modelcontextprotocol/related-task'

/** The task that a message of a server's is about (MCP 2025-11-25, Tasks); undefined for most. */
export function taskOf({ method, params }: Notification | Request): string | undefined {
  const about = method === 'notifications/tasks/status' ? params : metaOf(params)?.[relatedTaskKey]
  const taskId = isJsonObject(about) ? about.taskId : undefined
  return typeof taskId === 'string' ? taskId : undefined
}

/** Tells each of them once, whichever of its calls is among them, what it wants to hear. */
export function tellOwners(
  owners: readonly MessageOwner[],
  told: Notification,
  { params, unasked }: { params: string | undefined; unasked: string },
): void {
  const unique =
    owners.length > 1 ? new Map(owners.map((one) => [one.ownerId, one])).values() : owners
  for (const owner of unique) if (wants(owner, told, unasked)) owner.tell(told.method, params)
}

function wants(owner: MessageOwner, { method, params }: Notification, unasked: string): boolean {
  if (method !== 'notifications/message') return true
  const logLevel = owner.logLevel === 'all' ? unasked : owner.logLevel
  return logLevel === 'all' || (logLevel !== 'none' && passesLogLevel(params?.level, logLevel))
}
