import { type TunnelEvent, type TunnelStatus, tunnelEvent } from './tunnel-status.ts'

/** Holds what the supervisor is at, and tells whoever wants to know. */
export interface StatusBoard {
  status(): TunnelStatus
  tell(next: TunnelStatus): void
  /** Says which address everything should point at; tells only a change. */
  announce(publicUrl: string | undefined): void
  /** The next status that says what became of an attempt: `up`, `lost`, `local` or `closed`. */
  outcome(): Promise<TunnelStatus>
  /** Gives a bug to whoever waits for an outcome; when nobody does, it is an unhandled rejection. */
  fail(bug: unknown): void
}

const outcomes: ReadonlySet<TunnelStatus['state']> = new Set(['up', 'lost', 'local', 'closed'])

export function createStatusBoard({
  onEvent,
  onPublicUrl,
}: {
  onEvent: (event: TunnelEvent) => void
  onPublicUrl: (publicUrl: string | undefined) => void
}): StatusBoard {
  let status: TunnelStatus = { state: 'closed' }
  let announced: string | undefined
  let outcome = Promise.withResolvers<TunnelStatus>()
  return {
    status: () => status,
    tell(next) {
      status = next
      const event = tunnelEvent(next)
      if (event) onEvent(event)
      if (!outcomes.has(next.state)) return
      outcome.resolve(next)
      outcome = Promise.withResolvers()
    },
    announce(publicUrl) {
      if (publicUrl === announced) return
      announced = publicUrl
      onPublicUrl(publicUrl)
    },
    outcome: () => outcome.promise,
    fail: (bug) => outcome.reject(bug),
  }
}
