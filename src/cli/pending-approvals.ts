import type { GatewayEvent } from '../gateway-events.ts'

/** The requests for access that the owner has not decided yet, for the keys `y` and `n`. */
export interface PendingApprovals {
  note(event: GatewayEvent): void
  /** Takes the newest one that is still good; undefined when there is none. */
  take(now: number): { readonly id: string; readonly clientName: string } | undefined
}

export function createPendingApprovals(): PendingApprovals {
  const pending: { id: string; clientName: string; expiresAt: number }[] = []
  return {
    note(event) {
      if (event.event === 'approval') pending.push(event)
    },
    take(now) {
      for (let newest = pending.pop(); newest; newest = pending.pop()) {
        if (newest.expiresAt > now) return newest
      }
      return undefined
    },
  }
}
