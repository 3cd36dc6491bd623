import type { Profile } from '../profile.ts'
import { type ClientCall, refuse } from '../relay/client-call.ts'
import type { CallTrace } from '../traffic-tap.ts'
import { editObject, memberText } from '../wire/json-text.ts'
import {
  changedUri,
  isJsonObject,
  type JsonObject,
  type Notification,
  writeAnswer,
  writeNotification,
} from '../wire/message.ts'
import { metaKeys, rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'
import type { ClientStream, ClientStreams } from './client-streams.ts'
import { type HttpExchange, sendNotAcceptable, takenBy } from './http-exchange.ts'

/** Streams of `subscriptions/listen` in one profile. */
const maxListening = 1_024

interface Listening {
  readonly id: string | number
  readonly stream: ClientStream
  readonly honored: Filter
  readonly uris: ReadonlySet<string>
  readonly trace: CallTrace | undefined
}

interface Filter {
  toolsListChanged?: boolean
  promptsListChanged?: boolean
  resourcesListChanged?: boolean
  resourceSubscriptions?: string[]
}

/** The streams of one profile on which 2026-07-28 clients hear what has changed. */
export function createListening(options: { profile: Profile; streams: ClientStreams }) {
  const { profile, streams } = options
  const listening = new Set<Listening>()

  /** Answers a `subscriptions/listen`. */
  function open(call: ClientCall, exchange: HttpExchange) {
    const { id, params } = call.request
    const wanted = params?.notifications
    if (!takenBy(exchange).stream) {
      return sendNotAcceptable(exchange, 'what was asked for is a stream')
    }
    if (!isJsonObject(wanted)) {
      const message = "Invalid params: 'notifications' is required and must be an object"
      return refuse(call, new RpcError(rpcCodes.invalidParams, message))
    }
    if (listening.size >= maxListening) {
      const message = `this profile serves ${maxListening} such streams already`
      return refuse(call, new RpcError(rpcCodes.invalidRequest, message))
    }
    const begin = () => {
      const honored = honoredPart(wanted, profile.identity('modern').capabilities)
      const stops: (() => void)[] = []
      const stream = streams.open(exchange.outgoing, {
        onEnd() {
          listening.delete(entry)
          for (const stop of stops) stop()
        },
      })
      const uris = new Set(honored.resourceSubscriptions)
      const entry: Listening = { id, stream, honored, uris, trace: call.trace }
      stream.send(
        writeNotification(
          'notifications/subscriptions/acknowledged',
          JSON.stringify({ notifications: honored, _meta: { [metaKeys.subscriptionId]: id } }),
        ),
      )
      if (Object.keys(honored).length === 0) return endListening(entry)
      listening.add(entry)
      for (const uri of entry.uris) void follow(uri, entry, stops)
    }
    profile
      .seen()
      .then(begin)
      .catch((error: unknown) => refuse(call, error))
  }

  async function follow(uri: string, { stream }: Listening, stops: (() => void)[]): Promise<void> {
    const found = profile.ownerOfUri(uri)
    const stop = await found?.upstream.subscribe(found.uri, undefined).catch(() => {
      // The stream is still good for whatever else it asks for.
      return undefined
    })
    if (!stop) return
    if (stream.isOpen) stops.push(stop)
    else stop()
  }

  /** The graceful end of a subscription is its answer. */
  function endListening({ id, stream, trace }: Listening): void {
    const { serverInfo } = profile.identity('modern')
    const _meta = { [metaKeys.subscriptionId]: id, [metaKeys.serverInfo]: serverInfo }
    const result = JSON.stringify({ resultType: 'complete', _meta })
    stream.send(writeAnswer(id, 'result', result))
    stream.end()
    trace?.ended('result', result)
  }

  return {
    open,
    /** Tells whoever listens that a list or a resource of a server has changed. */
    changed(server: string, notification: Notification, text: string | undefined): void {
      const { method } = notification
      const isResource = method === 'notifications/resources/updated'
      const names = isResource ? profile.namesOfUri(server, changedUri(notification)) : []
      for (const { id, stream, honored, uris, trace } of listening) {
        const name = names.find((one) => uris.has(one))
        if (isResource ? name === undefined : honored[filterOf(method)] !== true) continue
        const said = text ?? '{}'
        const about = editObject(said, {
          _meta: editObject(memberText(said, '_meta') ?? '{}', {
            [metaKeys.subscriptionId]: JSON.stringify(id),
          }),
          ...(name !== undefined && { uri: JSON.stringify(name) }),
        })
        stream.send(writeNotification(method, about))
        trace?.aside('server', method, about)
      }
    },
    close(): void {
      for (const entry of [...listening]) endListening(entry)
    },
  }
}

/** `notifications/tools/list_changed` is asked for as `toolsListChanged`. */
function filterOf(method: string): keyof Filter {
  return `${method.split('/')[1] ?? ''}ListChanged` as keyof Filter
}

/** What of a filter the profile can deliver, by what it announces. */
function honoredPart(wanted: JsonObject, capabilities: JsonObject): Filter {
  const can = (list: string, what: string) =>
    (capabilities[list] as JsonObject | undefined)?.[what] === true
  const changes = (['tools', 'prompts', 'resources'] as const).filter(
    (list) => wanted[`${list}ListChanged`] === true && can(list, 'listChanged'),
  )
  const uris = Array.isArray(wanted.resourceSubscriptions) ? wanted.resourceSubscriptions : []
  const followed = uris.filter((uri) => typeof uri === 'string')
  return {
    ...Object.fromEntries(changes.map((list) => [`${list}ListChanged`, true])),
    ...(followed.length > 0 &&
      can('resources', 'subscribe') && { resourceSubscriptions: followed }),
  }
}
