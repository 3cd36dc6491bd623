import type { JsonObject, Request } from './wire/message.ts'
import { type Era, nameFieldOf } from './wire/protocol.ts'

/** Who wants to know what passes. While `isOn` is false, nothing is told. */
export interface TrafficTap {
  readonly isOn: boolean
  begin(call: {
    profile: string
    /** Name and version, as it says. */
    client: string
    caller: string
    sessionId: string | undefined
    era: Era
    method: string
    name: string | undefined
    text: string
  }): CallTrace
  /** A message that belongs to no call. */
  message(message: {
    profile: string
    client: string
    sessionId: string | undefined
    from: 'server' | 'client'
    method: string
    text: string
  }): void
}

/** Told of one call; what follows its end is nothing to it. */
export interface CallTrace {
  /** It goes to a server, maybe not the first one that is asked. */
  sent(server: string): void
  /** That server answered, or did not. */
  returned(): void
  /** What passes meanwhile; without a method it is an answer. */
  aside(from: 'server' | 'client', method: string | undefined, text: string): void
  /** @param answer the text of the result, or of the error */
  ended(outcome: 'result' | 'error' | 'cancelled' | 'lost', answer?: string): void
}

/** The tap as the edges of one profile use it. */
export interface ProfileTap {
  /** Tells of a request that comes; undefined while nobody wants to know. */
  request(request: Request, from: Sender & { era: Era; principal: string }): CallTrace | undefined
  /** Tells of a message that belongs to no call. */
  message(
    message: { from: 'server' | 'client'; method: string; params: string | undefined },
    client: Sender,
  ): void
}

interface Sender {
  readonly clientInfo: JsonObject
  readonly sessionId: string | undefined
}

export function createProfileTap(tap: TrafficTap, profile: string): ProfileTap {
  return {
    request({ method, params, text }, { era, clientInfo, principal, sessionId }) {
      if (!tap.isOn) return undefined
      const field = nameFieldOf(method)
      const named = field && params?.[field]
      const name = typeof named === 'string' ? named : undefined
      const client = clientName(clientInfo)
      const caller = callerName(principal)
      return tap.begin({ profile, client, caller, sessionId, era, method, name, text })
    },
    message({ from, method, params = '{}' }, { clientInfo, sessionId }) {
      if (!tap.isOn) return
      const client = clientName(clientInfo)
      tap.message({ profile, client, sessionId, from, method, text: params })
    },
  }
}

function clientName({ name, version }: JsonObject): string {
  const words = [name, version].filter((word) => typeof word === 'string' && word !== '')
  return words.length === 0 ? 'unnamed' : words.join(' ')
}

/** Of a caller with a token, whom it is for. */
function callerName(principal: string): string {
  if (!principal.startsWith('[')) return principal
  const [, subject] = JSON.parse(principal) as string[]
  return subject ?? principal
}
