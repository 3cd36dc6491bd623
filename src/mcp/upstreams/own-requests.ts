import { isJsonObject, type JsonObject } from '../wire/message.ts'
import { type Era, rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'
import { envelopeOf } from './handshake.ts'
import type { CallListener, OutgoingCall } from './server-call.ts'

/** The longest a timer can take, and longer than any call: for streams that have no end. */
export const forever = 2 ** 31 - 1

/** What the gateway asks of a server for itself. */
export function createOwnRequests(options: {
  clientInfo: JsonObject
  capabilities: JsonObject
  era: () => Era
  call: (outgoing: OutgoingCall, listener: CallListener) => (reason: string) => void
}) {
  function listen(filter: JsonObject): Subscription {
    const { promise, resolve } = Promise.withResolvers<void>()
    const params = { notifications: filter, _meta: envelopeOf(options) }
    const method = 'subscriptions/listen'
    const cancel = options.call(
      { method, params: JSON.stringify(params), hasProgress: false, timeoutMs: forever },
      { owner: undefined, answered: () => resolve(), failed: () => resolve(), progress: () => {} },
    )
    return {
      ended: promise,
      close() {
        cancel('not followed any more')
        resolve()
      },
    }
  }

  function ask(method: string, params: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const all = options.era() === 'modern' ? { ...params, _meta: envelopeOf(options) } : params
    return new Promise((resolve, reject) => {
      options.call(
        { method, params: JSON.stringify(all), hasProgress: false, timeoutMs },
        {
          owner: undefined,
          answered: ({ kind, value }) =>
            kind === 'result' && isJsonObject(value) ? resolve(value) : reject(rpcErrorOf(value)),
          failed: reject,
          progress: () => {},
        },
      )
    })
  }

  return { ask, listen }
}

interface Subscription {
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>
  close(): void
}

/** An error object as it came, to be thrown. */
function rpcErrorOf(value: unknown): RpcError {
  const { code, message, data } = isJsonObject(value) ? value : {}
  const known = typeof code === 'number' ? code : rpcCodes.internalError
  return new RpcError(known, typeof message === 'string' ? message : 'no message was given', data)
}
