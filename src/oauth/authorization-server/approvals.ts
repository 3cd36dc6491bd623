import { RateLimiterMemory } from 'rate-limiter-flexible'
import { createCode, createReference, isCode } from './approval-code.ts'

/** What the terminal is told, so that the owner can decide. */
export interface ApprovalAnnouncement {
  /** For `approve` and `deny`. */
  readonly id: string
  /** Six digits to type into the page. */
  readonly code: string
  /** Shown on the page as well, so that the owner sees which request it is. */
  readonly reference: string
  readonly clientName: string
  readonly clientId: string
  readonly redirectHost: string
  readonly profile: string
  readonly origin: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type ApprovalRequest = Omit<ApprovalAnnouncement, 'code' | 'reference' | 'expiresAt'>

/** Where an approval stands, for the page. */
export type ApprovalState =
  | { state: 'waiting'; reference: string; triesLeft: number }
  | { state: 'approved'; by: string }
  | { state: 'denied' }
  /** Expired, or too many wrong codes: only a new request helps. */
  | { state: 'over' }
  /** Too many requests or wrong codes lately. */
  | { state: 'busy' }

export interface Approvals {
  /** Announces the request once; later calls say where it stands. */
  open(request: ApprovalRequest): Promise<ApprovalState>
  /** Tries a code from the page. */
  submit(id: string, code: string): Promise<ApprovalState>
  /** The owner says yes on the terminal; false when nothing waits under that id. */
  approve(id: string): boolean
  deny(id: string): boolean
  /** Somebody who may decide has signed in, in the browser of the request. */
  vouch(id: string, by: string): boolean
  /** Ends it, so that neither code nor approval can be used again. */
  close(id: string): void
}

interface Pending {
  readonly code: string
  readonly reference: string
  readonly expiresAt: number
  triesLeft: number
  verdict: { state: 'approved'; by: string } | { state: 'denied' } | undefined
}

/** Who decides when nobody has signed in: whoever sees the terminal. */
const terminal = 'owner'
const lifetimeMs = 10 * 60_000
const tries = 5

/** For everybody together; beyond it there is a pause. */
export interface ApprovalLimits {
  readonly announcementsPerTenMinutes: number
  /** At 20 an hour, guessing one of a million codes takes three years for even odds. */
  readonly wrongCodesPerHour: number
}

export const defaultApprovalLimits: ApprovalLimits = {
  announcementsPerTenMinutes: 20,
  wrongCodesPerHour: 20,
}

/** Proof that whoever sits at the browser also sees the terminal. Kept in memory only. */
export function createApprovals(options: {
  announce: (announcement: ApprovalAnnouncement) => void
  now: () => number
  limits: ApprovalLimits
}): Approvals {
  const { announce, limits, now } = options
  const pending = new Map<string, Pending>()
  const announcements = new RateLimiterMemory({
    points: limits.announcementsPerTenMinutes,
    duration: 600,
  })
  const wrongCodes = new RateLimiterMemory({ points: limits.wrongCodesPerHour, duration: 3_600 })

  function stateOf(approval: Pending | undefined): ApprovalState {
    if (!approval || approval.expiresAt <= now()) return { state: 'over' }
    if (approval.verdict) return approval.verdict
    if (approval.triesLeft <= 0) return { state: 'over' }
    return { state: 'waiting', reference: approval.reference, triesLeft: approval.triesLeft }
  }

  function forgetOld(): void {
    for (const [id, { expiresAt }] of pending) {
      // An approval that is over is remembered for as long again, so that it is not announced anew.
      if (expiresAt + lifetimeMs <= now()) pending.delete(id)
    }
  }

  function decide(id: string, verdict: NonNullable<Pending['verdict']>): boolean {
    const approval = pending.get(id)
    if (!approval || stateOf(approval).state !== 'waiting') return false
    approval.verdict = verdict
    return true
  }

  return {
    async open(request) {
      forgetOld()
      const known = pending.get(request.id)
      if (known) return stateOf(known)
      if (!(await take(announcements))) return { state: 'busy' }
      const approval: Pending = {
        code: createCode(),
        reference: createReference(),
        expiresAt: now() + lifetimeMs,
        triesLeft: tries,
        verdict: undefined,
      }
      pending.set(request.id, approval)
      const { code, reference, expiresAt } = approval
      announce({ ...request, code, reference, expiresAt })
      return stateOf(approval)
    },
    async submit(id, code) {
      if (!(await take(wrongCodes))) return { state: 'busy' }
      // Nothing is awaited from here on: tries sent at the same moment are counted one by one.
      const approval = pending.get(id)
      if (!approval || stateOf(approval).state !== 'waiting') return stateOf(approval)
      approval.triesLeft -= 1
      if (isCode(code, approval.code)) {
        approval.verdict = { state: 'approved', by: terminal }
        void wrongCodes.reward('all')
      }
      return stateOf(approval)
    },
    approve: (id) => decide(id, { state: 'approved', by: terminal }),
    deny: (id) => decide(id, { state: 'denied' }),
    vouch: (id, by) => decide(id, { state: 'approved', by }),
    close(id) {
      const approval = pending.get(id)
      if (approval) pending.set(id, { ...approval, verdict: undefined, triesLeft: 0 })
    },
  }
}

/** Whether one more is allowed. */
async function take(limiter: RateLimiterMemory): Promise<boolean> {
  try {
    await limiter.consume('all')
    return true
  } catch (error) {
    if (error instanceof Error) throw error
    // The limiter rejects with its counters.
    return false
  }
}
