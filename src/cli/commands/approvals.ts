import type { Gateway } from '../../gateway.ts'
import type { ApprovalEvent, GatewayEvent } from '../../gateway-events.ts'
import type { KeyActions } from '../keys.ts'
import { formatApproval, formatChoices, nameOf } from '../ui/approval.ts'
import type { Screen } from '../ui/screen.ts'

/** Nobody reads a request and presses a key within this time, ms. */
const readingMs = 1_000

export type PendingApprovals = ReturnType<typeof createPendingApprovals>

/** The requests for access that wait for the owner, for the keys that decide them. */
export function createPendingApprovals({ now }: { now: () => number }) {
  const pending = new Map<string, ApprovalEvent>()
  let announcedAt = Number.NEGATIVE_INFINITY
  return {
    note(event: GatewayEvent): void {
      if (event.event === 'approval') {
        pending.set(event.id, event)
        announcedAt = now()
      }
      if (event.event !== 'approval-state' || event.state === 'busy') return
      if (event.state !== 'wrong-code' || event.triesLeft === 0) pending.delete(event.id)
    },
    /** Those that are still good, the oldest first. */
    waiting(): readonly ApprovalEvent[] {
      for (const [id, { expiresAt }] of pending) if (expiresAt <= now()) pending.delete(id)
      return [...pending.values()]
    },
    /** Whether one was announced so lately that a key may be meant for what was there before. */
    isNew: () => now() - announcedAt < readingMs,
    forget: (id: string) => void pending.delete(id),
  }
}

interface ApprovalKeysOptions {
  readonly approvals: PendingApprovals
  readonly gateway: Pick<Gateway, 'decideApproval' | 'clearApprovals'>
  readonly screen: Screen
  readonly print: (text: readonly string[]) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Question {
  readonly allowed: boolean
  readonly choices: readonly ApprovalEvent[]
  readonly until: number
}

/** A digit that comes later is no answer any more, ms. */
const answerMs = 30_000

/** The keys with which the owner decides about clients that ask for access. */
export function createApprovalKeys(options: ApprovalKeysOptions): KeyActions {
  const { approvals, gateway, screen, print, now } = options
  const say = (text: string) => print(screen.prose(text))
  /** Asked when several wait: the next digit says which. */
  let question: Question | undefined

  function ask(allowed: boolean): void {
    question = undefined
    const waiting = approvals.waiting()
    // Where a request came from beyond this machine, a key must not be enough.
    const choices = allowed ? waiting.filter(({ local }) => local) : waiting
    const [only, another] = choices
    if (only && another) {
      question = { allowed, choices: choices.slice(0, 9), until: now() + answerMs }
      print(formatChoices(question, screen))
    } else if (only) decide(only, allowed)
    else say(waiting[0] ? needsCode(waiting[0]) : nobody)
  }

  function decide(request: ApprovalEvent, allowed: boolean): void {
    approvals.forget(request.id)
    const decided = gateway.decideApproval(request.id, allowed)
    if (!decided) say(`${nameOf(request)} does not wait any more.`)
    else if (allowed) say(`Allowed ${nameOf(request)}; its page goes on by itself.`)
    else say(`Refused ${nameOf(request)}.`)
  }

  function choose(index: number): void {
    const { allowed = false, choices = [], until = 0 } = question ?? {}
    const chosen = choices[index]
    question = undefined
    if (chosen && now() < until) decide(chosen, allowed)
  }

  function show(): void {
    const waiting = approvals.waiting()
    for (const request of waiting) print(formatApproval(request, screen))
    say(waiting.length === 0 ? nobody : 'Press x to refuse all that wait.')
  }

  function clear(): void {
    question = undefined
    const waiting = approvals.waiting()
    for (const { id } of waiting) approvals.forget(id)
    gateway.clearApprovals()
    const names = waiting.map(nameOf).join(', ')
    say(
      `${names === '' ? 'No client waited' : `Refused ${names}`}; new requests are taken at once.`,
    )
  }

  const unlessNew = (task: () => void) => () => {
    if (!approvals.isNew()) task()
  }
  const digits = Array.from({ length: 9 }, (_, index) => [
    String(index + 1),
    unlessNew(() => choose(index)),
  ])
  return {
    y: unlessNew(() => ask(true)),
    n: unlessNew(() => ask(false)),
    w: show,
    x: unlessNew(clear),
    ...Object.fromEntries(digits),
  }
}

const nobody = 'No client waits to be allowed.'

function needsCode(request: ApprovalEvent): string {
  return `${nameOf(request)} came from ${request.from}: only its code, typed on its page, allows it. Press n to refuse it.`
}
