import type { ApprovalEvent, ApprovalStateEvent } from '../../gateway-events.ts'
import { printableLine, quoted } from '../../lib/printable.ts'
import { count } from '../../lib/wording.ts'
import type { Screen } from './screen.ts'

/** A client that asks for access: who it says it is, where it asks from, and what lets it in. */
export function formatApproval(event: ApprovalEvent, screen: Screen): string[] {
  const { style } = screen
  const { clientName, clientId, code, reference, profile, redirectHost, origin, from } = event
  const rows = [
    ['Request', `${style.bold(reference)}  ${style.dim('(the page shows the same)')}`],
    ['Client', `${quoted(clientName)}  ${style.dim(quoted(clientId))}`],
    ['From', printableLine(from)],
    ['Wants', `profile "${profile}" at ${origin}`],
    ['Goes to', printableLine(redirectHost)],
    ['Code', style.bold(code)],
  ]
  const how = event.local
    ? `Press y to allow ${reference}, n to refuse it; its page then goes on by itself. The code, typed there, allows it as well.`
    : 'Only the code, typed on its page, allows it: y does not. Press n to refuse it.'
  return [
    '',
    style.yellow('  A client asks for access.'),
    ...rows.flatMap(([name = '', value = '']) => screen.row(name, [value])),
    ...screen.prose(how),
    '',
  ]
}

/** Which of several is meant. */
export function formatChoices(
  { allowed, choices }: { allowed: boolean; choices: readonly ApprovalEvent[] },
  screen: Screen,
): string[] {
  const question = `${count(choices.length, 'client')} wait. Press the number of the one to ${allowed ? 'allow' : 'refuse'}.`
  const lines = choices.map(
    (one, index) =>
      `  ${screen.style.bold(String(index + 1))}  ${nameOf(one)}, from ${printableLine(one.from)}`,
  )
  return [...screen.prose(question), ...lines]
}

/** What became of a request for access. */
export function formatApprovalState(event: ApprovalStateEvent, screen: Screen): string[] {
  const lines = screen.prose(sentenceOf(event))
  const isAlarming = event.state === 'wrong-code' || event.state === 'busy'
  return isAlarming ? lines.map(screen.style.yellow) : lines
}

/** The two words of a request, and what its client calls itself. */
export function nameOf({
  reference,
  clientName,
}: Pick<ApprovalEvent, 'reference' | 'clientName'>): string {
  return `${reference} (${quoted(clientName)})`
}

function sentenceOf(event: ApprovalStateEvent): string {
  const from = printableLine(event.from)
  switch (event.state) {
    case 'busy':
      return `More clients ask for access than are shown, the last from ${from}. Press w to see those that wait, x to refuse them and take new requests.`
    case 'wrong-code':
      return event.triesLeft === 0
        ? `A wrong code was typed for ${nameOf(event)}, from ${from}: the request is over.`
        : `A wrong code was typed for ${nameOf(event)}, from ${from}; ${event.triesLeft === 1 ? 'one try is' : `${event.triesLeft} tries are`} left.`
    case 'allowed':
      return `${nameOf(event)} has access now.`
    case 'refused':
      return `${nameOf(event)} was refused on its page.`
  }
}
