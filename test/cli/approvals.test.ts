import { describe, expect, it } from 'vitest'
import { createApprovalKeys, createPendingApprovals } from '../../src/cli/commands/approvals.ts'
import { formatKeyHelp } from '../../src/cli/commands/dev-keys.ts'
import { formatApproval, formatApprovalState } from '../../src/cli/ui/approval.ts'
import type { ApprovalEvent } from '../../src/gateway-events.ts'
import { asText, plain } from './helpers.ts'

const own: ApprovalEvent = {
  event: 'approval',
  id: 'own',
  code: '123456',
  reference: 'amber otter',
  clientName: 'Claude Code',
  clientId: 'client-1',
  redirectHost: '127.0.0.1:5000 (the computer of that browser)',
  profile: 'work',
  origin: 'https://localhost:3443',
  from: 'this machine',
  local: true,
  expiresAt: 600_000,
}
const second = { ...own, id: 'second', reference: 'brisk tiger', code: '222222' }
const strangers: ApprovalEvent = {
  ...own,
  id: 'strangers',
  reference: 'calm panda',
  from: '203.0.113.9, through the tunnel',
  local: false,
}

/** Somebody at the terminal, who has read what was announced unless `at` says otherwise. */
function setup(...announced: ApprovalEvent[]) {
  const clock = { ms: 0 }
  const now = () => clock.ms
  const approvals = createPendingApprovals({ now })
  const calls: string[] = []
  const said: string[] = []
  const keys = createApprovalKeys({
    approvals,
    screen: plain(200),
    print: (lines) => void said.push(...lines),
    now,
    gateway: {
      decideApproval(id, allowed) {
        calls.push(`${allowed ? 'allow' : 'refuse'} ${id}`)
        return true
      },
      clearApprovals: () => void calls.push('clear'),
    },
  })
  for (const event of announced) approvals.note(event)
  clock.ms = 1_000
  const press = (key: string) => {
    said.length = 0
    keys[key]?.()
    return said.join('\n')
  }
  return { approvals, calls, clock, press }
}

describe('the key y', () => {
  it('allows what came from this machine, and says which', () => {
    const { calls, press } = setup(own)
    expect(press('y')).toBe('  Allowed amber otter ("Claude Code"); its page goes on by itself.')
    expect(calls).toEqual(['allow own'])
    expect(press('y')).toBe('  No client waits to be allowed.')
  })

  it('never allows what came through a tunnel, and says what does', () => {
    const { calls, press } = setup(strangers)
    expect(press('y')).toContain(
      'calm panda ("Claude Code") came from 203.0.113.9, through the tunnel',
    )
    expect(calls).toEqual([])
  })

  it('means the one of this machine, though a stranger came later', () => {
    const { calls, press } = setup(own, strangers)
    press('y')
    expect(press('y')).toContain('only its code')
    expect(calls).toEqual(['allow own'])
  })

  it('asks which, when several wait', () => {
    const { calls, press } = setup(own, strangers, second)
    const question = press('y')
    expect(question).toContain('2 clients wait')
    expect(question).toMatch(/1 {2}amber otter .*\n {2}2 {2}brisk tiger/)
    expect(question).not.toContain('calm panda')
    press('3')
    expect(calls).toEqual([])
    press('y')
    expect(press('2')).toContain('Allowed brisk tiger')
    press('1')
    expect(calls).toEqual(['allow second'])
  })

  it('takes no answer half a minute after the question', () => {
    const { calls, clock, press } = setup(own, second)
    press('y')
    clock.ms += 30_000
    press('1')
    expect(calls).toEqual([])
  })

  it.each(['y', 'n', 'x', '1'])(
    'is as deaf as %s in the first second after an announcement',
    (key) => {
      const { approvals, calls, clock, press } = setup(own, second)
      if (key === '1') press('y')
      clock.ms = 5_000
      approvals.note(strangers)
      clock.ms = 5_999
      expect(press(key)).toBe('')
      expect(calls).toEqual([])
      clock.ms = 6_000
      expect(press(key)).not.toBe('')
    },
  )

  it('passes by what was decided or is over', () => {
    const { approvals, press, clock } = setup(own, second)
    const news = { event: 'approval-state', clientName: '', from: '', reference: '' } as const
    approvals.note({ ...news, id: 'own', state: 'allowed' })
    approvals.note({ ...news, id: 'second', state: 'wrong-code', triesLeft: 1 })
    expect(approvals.waiting().map(({ id }) => id)).toEqual(['second'])
    approvals.note({ ...news, id: 'second', state: 'wrong-code', triesLeft: 0 })
    expect(press('y')).toContain('No client waits')
    approvals.note(own)
    clock.ms = 600_000
    expect(press('y')).toContain('No client waits')
  })
})

describe('the other keys', () => {
  it('refuse any client, and ask which when several wait', () => {
    const { calls, press } = setup(strangers, own)
    expect(press('n')).toContain(
      '1  calm panda ("Claude Code"), from 203.0.113.9, through the tunnel',
    )
    expect(press('1')).toContain('Refused calm panda')
    press('n')
    expect(calls).toEqual(['refuse strangers', 'refuse own'])
  })

  it('show what waits, and clear it', () => {
    const { calls, press } = setup(own, strangers)
    const shown = press('w')
    for (const part of ['amber otter', 'calm panda', '123456', 'Press x']) {
      expect(shown).toContain(part)
    }
    expect(press('x')).toContain('Refused amber otter ("Claude Code"), calm panda')
    expect(calls).toEqual(['clear'])
    expect(press('w')).toContain('No client waits')
  })

  it('are in the help', () => {
    const help = asText(formatKeyHelp(plain(), { opensTunnel: false }))
    for (const key of ['y, n', 'w', 'x']) expect(help).toMatch(new RegExp(`^  ${key} +\\w`, 'm'))
  })
})

describe('a request for access', () => {
  it('shows who asks, from where, and what allows it', () => {
    const text = asText(formatApproval(own, plain(120)))
    for (const part of [
      'amber otter',
      '"Claude Code"  "client-1"',
      'this machine',
      'profile "work" at https://localhost:3443',
      '127.0.0.1:5000 (the computer of that browser)',
      '123456',
      'Press y to allow amber otter, n to refuse it; its page then goes on by itself.',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('says that no key allows what came from elsewhere', () => {
    const text = asText(formatApproval(strangers, plain(120)))
    expect(text).toContain('203.0.113.9, through the tunnel')
    expect(text).toContain('Only the code, typed on its page, allows it: y does not.')
    expect(text).not.toContain('Press y')
  })

  const hostile = '\u001b[2J\u009b31m\u0007\r\n  Code  000000'
  it('shows no control characters of a stranger', () => {
    const named = { ...own, clientName: hostile, clientId: hostile }
    const texts = [
      asText(formatApproval(named, plain(120))),
      asText(
        formatApprovalState(
          { ...named, event: 'approval-state', state: 'wrong-code', triesLeft: 1 },
          plain(120),
        ),
      ),
    ]
    expect(texts[0]?.match(/^ {2}Code /gm)).toHaveLength(1)
    for (const text of texts) expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  const states: [Parameters<typeof formatApprovalState>[0], string][] = [
    [
      { ...strangers, event: 'approval-state', state: 'wrong-code', triesLeft: 4 },
      '  A wrong code was typed for calm panda ("Claude Code"), from 203.0.113.9, through the tunnel; 4 tries are left.',
    ],
    [
      { ...strangers, event: 'approval-state', state: 'wrong-code', triesLeft: 0 },
      '  A wrong code was typed for calm panda ("Claude Code"), from 203.0.113.9, through the tunnel: the request is over.',
    ],
    [
      { ...own, event: 'approval-state', state: 'allowed' },
      '  amber otter ("Claude Code") has access now.',
    ],
    [
      { event: 'approval-state', state: 'busy', from: '203.0.113.9, through the tunnel' },
      '  More clients ask for access than are shown, the last from 203.0.113.9, through the tunnel. Press w to see those that wait, x to refuse them and take new requests.',
    ],
  ]
  it.each(states)('is followed to its end: %o', (event, text) => {
    expect(asText(formatApprovalState(event, plain(300)))).toBe(text)
  })
})
