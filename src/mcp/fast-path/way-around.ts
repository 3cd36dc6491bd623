import type { Dispatcher } from 'undici'
import type { HttpServerConfig } from '../../config/resolved-config.ts'
import { type JsonObject, metaKeys, type WireRequest, type WireResult } from '../wire-types.ts'
import { createFastRequests, type FastRequestOptions } from './fast-requests.ts'
import { createHandover, type Fetch } from './handover.ts'

type Send = (request: WireRequest, options: FastRequestOptions) => Promise<WireResult>

/** The way around the SDK to an upstream of 2026-07-28, for requests that are nothing unusual. */
export interface WayAround {
  /** The fetch to make the SDK's transport of, so that it can be given what was received here. */
  wrap(fetch: Fetch): Fetch
  /** Sends by the short way, or by `bySdk`, who also judges the answers that are unusual. */
  open(bySdk: Send, protocolVersion: string): Send
}

export function createWayAround(options: {
  readonly config: HttpServerConfig
  readonly dispatcher: Dispatcher
  readonly clientInfo: object
  readonly capabilities: JsonObject
  readonly accessToken: () => Promise<string | undefined>
  /** The same failure of a connection in words for a person, where there are any. */
  readonly explain: (failure: unknown) => unknown
  readonly onTaken: () => void
}): WayAround {
  const { config, dispatcher, accessToken } = options
  const handover = createHandover()
  return {
    wrap: handover.wrap,
    open(bySdk, protocolVersion) {
      const requests = createFastRequests({
        url: new URL(config.url),
        dispatcher,
        headers: config.headers,
        envelope: {
          [metaKeys.protocolVersion]: protocolVersion,
          [metaKeys.clientInfo]: options.clientInfo,
          [metaKeys.clientCapabilities]: options.capabilities,
        },
        protocolVersion,
        accessToken,
      })
      return async (request, sendOptions) => {
        if (!requests.accepts(request)) return bySdk(request, sendOptions)
        options.onTaken()
        const outcome = await requests.send(request, sendOptions)
        if (outcome.kind === 'result') return outcome.result
        const answer =
          outcome.kind === 'lost' ? { ...outcome, error: options.explain(outcome.error) } : outcome
        return handover.run(answer, () => bySdk(request, sendOptions))
      }
    },
  }
}
