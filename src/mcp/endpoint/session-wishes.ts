import type { Profile } from '../profile.ts'
import { askedBy } from '../relay/route.ts'
import { maxSubscriptions } from '../request-reading.ts'
import type { ClientSession } from '../upstreams/links.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Request } from '../wire/message.ts'
import { isLogLevel, rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'

/** What a session had asked for, so that it can be taken up again. */
export interface SessionState {
  readonly level: string | undefined
  readonly subscriptions: readonly string[]
}

/** What a client of 2025 asks for once and for its whole session: a log level, and news of resources. */
export function createSessionWishes(options: {
  profile: Profile
  session: () => ClientSession
  onState: (state: SessionState) => void
}) {
  const { profile, session } = options
  /** By the URI that was asked for, what ends it. */
  const subscriptions = new Map<string, () => void>()
  let level: string | undefined
  let isClosed = false

  function changed(): void {
    options.onState({ level, subscriptions: [...subscriptions.keys()] })
  }

  async function follow(uri: string): Promise<void> {
    const found = profile.ownerOfUri(uri)
    if (!found) {
      throw new RpcError(rpcCodes.invalidParams, `Unknown resource: ${JSON.stringify(uri)}`)
    }
    const stop = await found.upstream.subscribe(found.uri, session())
    if (isClosed || !subscriptions.has(uri)) stop()
    else subscriptions.set(uri, stop)
  }

  return {
    get level() {
      return level
    },
    follows: (uri: string) => subscriptions.has(uri),
    async setLevel({ params }: Request): Promise<void> {
      const asked = params?.level
      if (!isLogLevel(asked)) throw new RpcError(rpcCodes.invalidParams, 'Unknown log level')
      const members = profile.upstreams()
      const logging = members.length === 1 ? members : members.filter(announcesLogging)
      const outcomes = await Promise.allSettled(
        logging.map((one) => one.setLogLevel(session(), asked)),
      )
      const refusals = outcomes.filter((outcome) => outcome.status === 'rejected')
      // Of several servers, one that has no such thing is nobody's business.
      if (refusals.length > 0 && refusals.length === outcomes.length) throw refusals[0]?.reason
      level = asked
      changed()
    },
    async subscribe(request: Request): Promise<void> {
      const uri = uriOf(request)
      if (subscriptions.has(uri)) return
      if (subscriptions.size >= maxSubscriptions) {
        const message =
          `This session follows ${maxSubscriptions} resources already, which is the most it may; ` +
          'unsubscribe from some of them first.'
        throw new RpcError(rpcCodes.invalidRequest, message)
      }
      // Counted from the moment it is asked for: a thousand may be asked for at once.
      subscriptions.set(uri, () => {})
      try {
        await follow(uri)
      } catch (error) {
        subscriptions.delete(uri)
        throw error
      }
      changed()
    },
    async unsubscribe(request: Request): Promise<void> {
      const uri = uriOf(request)
      subscriptions.get(uri)?.()
      subscriptions.delete(uri)
      changed()
    },
    /** Asks for what was asked for before. */
    restore(state: SessionState): void {
      level = state.level
      const { level: before } = state
      const again = state.subscriptions.map((uri) => {
        subscriptions.set(uri, () => {})
        return follow(uri)
      })
      if (before !== undefined) {
        again.push(...profile.upstreams().map((one) => one.setLogLevel(session(), before)))
      }
      void Promise.allSettled(again)
    },
    close(): void {
      isClosed = true
      for (const stop of subscriptions.values()) stop()
      subscriptions.clear()
    },
  }
}

function uriOf(request: Request): string {
  const asked = askedBy(request)
  return asked.kind === 'resource' ? asked.uri : ''
}

function announcesLogging(upstream: Upstream): boolean {
  return upstream.catalog()?.handshake.capabilities.logging !== undefined
}
