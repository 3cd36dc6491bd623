import type { ApprovalEvent, GatewayEvent } from '../gateway-events.ts'

/** The requests for access that wait for the owner, for the keys that decide them. */
export interface PendingApprovals {
  note(event: GatewayEvent): void
  /** Those that are still good, the oldest first. */
  waiting(): readonly ApprovalEvent[]
  /** Whether one was announced so lately that a key may be meant for what was there before. */
  isNew(): boolean
  forget(id: string): void
}

/** Nobody reads a request and presses a key within this time, ms. */
const readingMs = 1_000

export function createPendingApprovals({ now }: { now: () => number }): PendingApprovals {
  const pending = new Map<string, ApprovalEvent>()
  let announcedAt = Number.NEGATIVE_INFINITY
  return {
    note(event) {
      if (event.event === 'approval') {
        pending.set(event.id, event)
        announcedAt = now()
      }
      if (event.event !== 'approval-state' || event.state === 'busy') return
      if (event.state !== 'wrong-code' || event.triesLeft === 0) pending.delete(event.id)
    },
    waiting() {
      for (const [id, { expiresAt }] of pending) if (expiresAt <= now()) pending.delete(id)
      return [...pending.values()]
    },
    isNew: () => now() - announcedAt < readingMs,
    forget: (id) => void pending.delete(id),
  }
}
