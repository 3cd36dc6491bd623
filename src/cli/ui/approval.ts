import type { ApprovalEvent } from '../../gateway-events.ts'
import { printableLine, quoted } from '../../lib/printable.ts'
import type { Screen } from './styler.ts'

/** A client that asks for access: who it says it is, and the code that lets it in. */
export function formatApproval(event: ApprovalEvent, { style }: Screen): string {
  const { clientName, clientId, code, reference, profile, redirectHost, origin } = event
  const rows = [
    ['Client', `${printableLine(clientName, 100)}  ${style.dim(quoted(clientId))}`],
    ['Wants', `profile "${profile}" at ${origin}`],
    ['Goes to', redirectHost],
    ['Request', `${reference}  ${style.dim('(the page shows the same)')}`],
    ['Code', style.bold(code)],
  ]
  return [
    '',
    style.yellow(
      '  A client asks for access. Type the code into the page, or press y to allow, n to refuse.',
    ),
    ...rows.map(([name = '', value = '']) => `  ${name.padEnd(9)} ${value}`),
    '',
  ].join('\n')
}
