import { createRequire } from 'node:module'
import type * as undici from 'undici'

// The parts of undici that are used, from their own files: the whole has a fetch, a cache and a WebSocket
// beside them, which Node has already, and is 10 MiB and 40 ms of every start.
const require = createRequire(import.meta.url)

export const Agent: typeof undici.Agent = require('undici/lib/dispatcher/agent.js')
export type Agent = undici.Agent
export const buildConnector: typeof undici.buildConnector = require('undici/lib/core/connect.js')
export type { Dispatcher } from 'undici'

type Send = (
  this: undici.Dispatcher,
  options: undici.Dispatcher.RequestOptions,
) => Promise<undici.Dispatcher.ResponseData>
const send: Send = require('undici/lib/api/api-request.js')

/** undici's `request`, over a dispatcher that is always given. */
export function request(
  url: string | URL,
  {
    dispatcher,
    ...options
  }: Omit<undici.Dispatcher.RequestOptions, 'origin' | 'path'> & { dispatcher: undici.Dispatcher },
): Promise<undici.Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url)
  return send.call(dispatcher, { ...options, origin, path: pathname + search })
}
