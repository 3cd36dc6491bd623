import type { ServerConfig } from '../../config/resolved-config.ts'
import { rpcCodes, rpcError } from '../mcp-error.ts'
import {
  type Era,
  type JsonObject,
  passesLogLevel,
  type WireNotification,
  type WireRequest,
  type WireResult,
} from '../wire-types.ts'
import type { UpstreamConnection, UpstreamRequestOptions } from './connection.ts'

/**
 * Whoever an upstream's own messages may be meant for: an MCP session, or one modern call.
 * Calls of one session share its `ownerId`.
 */
export interface MessageOwner {
  readonly ownerId: string
  /** What the client behind it declared. */
  readonly capabilities: JsonObject
  /** Least severe log message it wants; undefined wants none. */
  readonly logLevel: string | undefined
  notify(notification: WireNotification): void
  /** Puts a request of the upstream to the client. */
  ask(request: WireRequest, options: AskOptions): Promise<WireResult>
}

export interface AskOptions {
  signal: AbortSignal
  onProgress?: (progress: JsonObject) => void
}

/** A connection together with those who use it, which decides whose an upstream's message is. */
export interface UpstreamLink {
  readonly connection: UpstreamConnection
  readonly era: Era
  readonly inFlight: number
  /** Sends a request on behalf of `owner`, who receives what the upstream says meanwhile. */
  request(
    owner: MessageOwner | undefined,
    request: WireRequest,
    options: UpstreamRequestOptions,
  ): Promise<WireResult>
  /** Adds a session that hears what is said outside any call. */
  attach(owner: MessageOwner): void
  detach(owner: MessageOwner): void
  close(): Promise<void>
}

/** The routing half of a link, made before the connection whose messages it routes. */
export interface LinkRouter {
  onRequest(request: WireRequest, signal: AbortSignal): Promise<WireResult>
  onNotification(notification: WireNotification): void
  open(connection: UpstreamConnection): UpstreamLink
}

const capabilityFor: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
}

/**
 * Creates the router of one connection. On a shared 2025 connection nothing on the wire says which
 * call a server's request belongs to: it goes to the only client that is calling, and is refused
 * rather than shown to the wrong person when there are several.
 * @param onChange hears list changes and resource updates, which concern more than one owner
 */
export function createLinkRouter(
  config: ServerConfig,
  onChange: (notification: WireNotification) => void,
): LinkRouter {
  const calling: MessageOwner[] = []
  const attached = new Set<MessageOwner>()
  let connection: UpstreamConnection | undefined

  function findOwner(request: WireRequest): MessageOwner {
    const candidates = calling.length > 0 ? calling : [...attached]
    const able = candidates.filter((owner) => canAnswer(owner, request))
    const owner = able.at(-1)
    if (!owner) {
      throw rpcError(
        rpcCodes.methodNotFound,
        `no connected client can answer "${request.method}" at this moment`,
      )
    }
    if (able.some((other) => other.ownerId !== owner.ownerId)) {
      throw rpcError(
        rpcCodes.invalidRequest,
        `"${request.method}" from "${config.name}" cannot be told apart: several clients are calling it. ` +
          `Set "isolation": "session" for mcpServers.${config.name} in the configuration file.`,
      )
    }
    return owner
  }

  return {
    async onRequest(request, signal) {
      const token = progressTokenOf(request)
      return findOwner(request).ask(request, {
        signal,
        ...(token !== undefined && {
          onProgress: (progress) =>
            void connection?.notify({
              method: 'notifications/progress',
              params: { ...progress, progressToken: token },
            }),
        }),
      })
    },
    onNotification(notification) {
      if (isChange(notification)) return onChange(notification)
      const listeners = uniqueOwners(calling.length > 0 ? calling : [...attached])
      for (const owner of listeners) tell(owner, notification)
    },
    open(opened) {
      connection = opened
      return {
        connection: opened,
        era: opened.era,
        get inFlight() {
          return calling.length
        },
        async request(owner, request, options) {
          if (!owner) return opened.request(request, options)
          calling.push(owner)
          try {
            return await opened.request(request, {
              ...options,
              onNotification: (notification) =>
                isChange(notification) ? onChange(notification) : tell(owner, notification),
            })
          } finally {
            calling.splice(calling.indexOf(owner), 1)
          }
        },
        attach: (owner) => void attached.add(owner),
        detach: (owner) => void attached.delete(owner),
        close: () => opened.close(),
      }
    },
  }
}

export function progressTokenOf(request: WireRequest): string | number | undefined {
  const meta = request.params?._meta as JsonObject | undefined
  const token = meta?.progressToken
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}

function canAnswer(owner: MessageOwner, request: WireRequest): boolean {
  const name = capabilityFor[request.method]
  if (name === undefined) return true
  const capability = owner.capabilities[name] as JsonObject | undefined
  if (capability === undefined) return false
  // URL mode must be declared; an empty elicitation capability means form mode alone.
  const isUrl = name === 'elicitation' && request.params?.mode === 'url'
  return !isUrl || capability.url !== undefined
}

function isChange({ method }: WireNotification): boolean {
  return method.endsWith('/list_changed') || method === 'notifications/resources/updated'
}

function uniqueOwners(owners: readonly MessageOwner[]): Iterable<MessageOwner> {
  return new Map(owners.map((owner) => [owner.ownerId, owner])).values()
}

function tell(owner: MessageOwner, notification: WireNotification): void {
  const isLog = notification.method === 'notifications/message'
  if (!isLog || wantsLog(owner, notification)) owner.notify(notification)
}

function wantsLog(owner: MessageOwner, notification: WireNotification): boolean {
  return owner.logLevel !== undefined && passesLogLevel(notification.params?.level, owner.logLevel)
}
