import { randomInt, timingSafeEqual } from 'node:crypto'
import type { Sender } from '../../origin/client-address.ts'
import { createSenderBudget } from './sender-budget.ts'

export interface ApprovalRequest {
  readonly id: string
  readonly clientName: string
  readonly clientId: string
  readonly redirectHost: string
  readonly profile: string
  readonly origin: string
  readonly sender: Sender
}

/** What the terminal is told, so that the owner can decide. */
export interface ApprovalAnnouncement extends Omit<ApprovalRequest, 'sender'> {
  /** Six digits to type into the page. */
  readonly code: string
  /** Two words that are shown on the page as well, so that the owner sees which request it is. */
  readonly reference: string
  /** Where the request came from, in words. */
  readonly from: string
  /** Whether a yes on the terminal is enough; else only the code, typed on the page, counts. */
  readonly local: boolean
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** What became of a request. `busy`: one was not announced, as too many came before. */
export type ApprovalNews =
  | ({ state: 'wrong-code'; triesLeft: number } & NamedRequest)
  | ({ state: 'allowed' | 'refused' } & NamedRequest)
  | { state: 'busy'; from: string }

type NamedRequest = Pick<ApprovalAnnouncement, 'id' | 'reference' | 'clientName' | 'from'>

/** Who said yes: `account` is the subject of the tokens, `by` its name for people. */
export interface Decider {
  readonly account: string
  readonly by: string
}

/** Where an approval stands, for the page. */
export type ApprovalState =
  | { state: 'waiting'; reference: string; triesLeft: number; local: boolean }
  /** `goesOn`: it was allowed on the terminal, by its name, so nothing is left to ask. */
  | ({ state: 'approved'; goesOn: boolean } & Decider)
  | { state: 'denied' }
  /** Expired, or too many wrong codes: only a new request helps. */
  | { state: 'over' }
  /** Too many requests lately. */
  | { state: 'busy' }

interface Pending {
  readonly announcement: ApprovalAnnouncement
  readonly sender: Sender
  triesLeft: number
  verdict: ApprovalState | undefined
}

/** Who decides when nobody has signed in: whoever sees the terminal. */
export const owner: Decider = { account: 'owner', by: 'owner' }
const lifetimeMs = 10 * 60_000
const tries = 5

/** `each` sender may do it so often, and all strangers together. */
export interface ApprovalLimits {
  readonly announcementsPerTenMinutes: { readonly each: number; readonly all: number }
  /** After so many wrong codes a new request has one try: the owner's, who types the right one. */
  readonly wrongCodesPerHour: { readonly each: number; readonly all: number }
}

/** Guessing with one try for each of 180 announced requests an hour takes 160 days for even odds. */
export const defaultApprovalLimits: ApprovalLimits = {
  announcementsPerTenMinutes: { each: 5, all: 30 },
  wrongCodesPerHour: { each: 10, all: 40 },
}

export type Approvals = ReturnType<typeof createApprovals>

/** Proof that whoever sits at the browser also sees the terminal. Kept in memory only. */
export function createApprovals(options: {
  announce: (announcement: ApprovalAnnouncement) => void
  tell: (news: ApprovalNews) => void
  now: () => number
  limits: ApprovalLimits
}) {
  const { announce, tell, limits, now } = options
  const pending = new Map<string, Pending>()
  const announcements = createSenderBudget({
    ...limits.announcementsPerTenMinutes,
    windowMs: lifetimeMs,
    now,
  })
  const wrongCodes = createSenderBudget({ ...limits.wrongCodesPerHour, windowMs: 3_600_000, now })
  let busyToldAt = Number.NEGATIVE_INFINITY

  function stateOf(approval: Pending | undefined): ApprovalState {
    if (!approval || approval.announcement.expiresAt <= now()) return { state: 'over' }
    if (approval.verdict) return approval.verdict
    const { announcement, triesLeft } = approval
    if (triesLeft <= 0) return { state: 'over' }
    const { reference, local } = announcement
    return { state: 'waiting', reference, triesLeft, local }
  }

  function waiting(id: string): Pending | undefined {
    const approval = pending.get(id)
    return stateOf(approval).state === 'waiting' ? approval : undefined
  }

  function forgetOld(): void {
    for (const [id, { announcement }] of pending) {
      // An approval that is over is remembered for as long again, so that it is not announced anew.
      if (announcement.expiresAt + lifetimeMs <= now()) pending.delete(id)
    }
  }

  function tellBusy(from: string): void {
    if (now() - busyToldAt < 60_000) return
    busyToldAt = now()
    tell({ state: 'busy', from })
  }

  function begin({ sender, ...request }: ApprovalRequest): Pending {
    const references = [...pending.values()].map(({ announcement }) => announcement.reference)
    const isSuspicious = !sender.isLocal && wrongCodes.isSpent(sender)
    const announcement: ApprovalAnnouncement = {
      ...request,
      code: createCode(),
      reference: createReference(new Set(references)),
      from: sender.words,
      local: sender.isLocal,
      expiresAt: now() + lifetimeMs,
    }
    return { announcement, sender, triesLeft: isSuspicious ? 1 : tries, verdict: undefined }
  }

  function decide(approval: Pending | undefined, verdict: ApprovalState): boolean {
    if (approval) approval.verdict = verdict
    return approval !== undefined
  }

  return {
    /** Announces the request once; later calls say where it stands. */
    open(request: ApprovalRequest): ApprovalState {
      forgetOld()
      const known = pending.get(request.id)
      if (known) return stateOf(known)
      if (!announcements.take(request.sender)) {
        tellBusy(request.sender.words)
        return { state: 'busy' }
      }
      const approval = begin(request)
      pending.set(request.id, approval)
      announce(approval.announcement)
      return stateOf(approval)
    },
    /** Tries a code from the page. */
    submit(id: string, code: string): ApprovalState {
      const approval = waiting(id)
      if (!approval) return stateOf(pending.get(id))
      if (isCode(code, approval.announcement.code)) {
        decide(approval, { state: 'approved', goesOn: false, ...owner })
        return stateOf(approval)
      }
      approval.triesLeft -= 1
      wrongCodes.take(approval.sender)
      tell({ state: 'wrong-code', triesLeft: approval.triesLeft, ...named(approval) })
      return stateOf(approval)
    },
    /** The owner says yes on the terminal; false when nothing that this counts for waits under that id. */
    approve(id: string): boolean {
      const approval = waiting(id)
      // A stranger's page may look like the owner's; whoever allows it must see the page itself.
      if (!approval?.announcement.local) return false
      return decide(approval, { state: 'approved', goesOn: true, ...owner })
    },
    deny: (id: string): boolean => decide(waiting(id), { state: 'denied' }),
    /** Somebody who may decide has signed in, in the browser of the request. */
    vouch: (id: string, who: Decider): boolean =>
      decide(waiting(id), { state: 'approved', goesOn: false, ...who }),
    /** Ends it, so that neither code nor approval can be used again. */
    close(id: string, outcome: 'allowed' | 'refused'): void {
      const approval = pending.get(id)
      if (!approval) return
      const { state } = stateOf(approval)
      if (state === 'waiting' || state === 'approved') tell({ state: outcome, ...named(approval) })
      pending.set(id, { ...approval, verdict: { state: 'over' } })
    },
    /** Refuses everything that waits, and takes new requests at once. */
    clear(): void {
      for (const id of pending.keys()) decide(waiting(id), { state: 'denied' })
      announcements.clear()
      wrongCodes.clear()
      busyToldAt = Number.NEGATIVE_INFINITY
    },
  }
}

function named({ announcement }: Pending): NamedRequest {
  const { id, reference, clientName, from } = announcement
  return { id, reference, clientName, from }
}

/** Six digits, shown on the terminal and typed into the page. */
function createCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** Whether somebody typed the code, with or without a space in the middle. */
function isCode(typed: string, code: string): boolean {
  const digits = typed.replace(/[\s-]/g, '')
  return /^\d{6}$/.test(digits) && timingSafeEqual(Buffer.from(digits), Buffer.from(code))
}

/** Two words that name a request, on its page and on the terminal; none of those in use. */
function createReference(inUse: ReadonlySet<string>): string {
  const pick = (words: readonly string[]) => words[randomInt(words.length)]
  for (;;) {
    const reference = `${pick(firstWords)} ${pick(secondWords)}`
    if (!inUse.has(reference)) return reference
  }
}

const firstWords = words(`amber ample azure brave brisk bronze calm cedar clever coral crisp dapper
  eager early fair fancy frosty gentle golden grand happy hazel humble ivory jolly keen lively lucky
  mellow merry misty noble olive patient plain polite proud quick quiet rapid royal ruby rusty silent
  silver snowy solid spicy steady sunny swift tidy velvet violet warm witty`)
const secondWords =
  words(`acorn anchor apple badger basket beaver bridge candle canyon castle cherry
  comet copper dolphin falcon feather forest garden hammer harbor hazelnut island jacket kettle ladder
  lantern lemon lizard magnet maple meadow mirror monkey mountain needle orchard otter paddle panda
  parrot pebble pencil penguin pepper pillow planet pumpkin rabbit ribbon river rocket saddle squirrel
  teapot tiger tunnel turtle valley walnut window`)

function words(text: string): readonly string[] {
  return text.split(/\s+/)
}
