import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createOutput } from '../../src/cli/output.ts'
import { formatDoctor } from '../../src/cli/ui/doctor.ts'
import { failureEvent, formatFailure } from '../../src/cli/ui/failure.ts'
import { createNewsFormatter } from '../../src/cli/ui/news.ts'
import { formatReady } from '../../src/cli/ui/ready.ts'
import { UserError } from '../../src/errors.ts'
import type { GatewayEvent, ReadyEvent } from '../../src/gateway-events.ts'
import { renderConsentPage } from '../../src/http/pages/consent-page.ts'
import { renderErrorPage } from '../../src/http/pages/message-page.ts'
import { createLogger } from '../../src/lib/logger.ts'

// Servers, clients and tunnel services choose much of what is shown. Whatever they choose, the bytes
// that reach a terminal, a log, `--json` or a page cannot move the cursor, hide or turn text around,
// look like another line of ours, or fill the screen.

const hostile: Readonly<Record<string, string>> = {
  'an escape sequence that clears the screen': '\x1b[2J\x1b[H',
  'a colour of our own': '\x1b[31m',
  'a title of the window': '\x1b]0;owned\x07',
  'a sequence in C1': '\x9b2J\x9d0;owned\x9c',
  'carriage return and backspace': 'safe\r\b\b\b\bevil',
  'right to left': '\u202egnp.exe\u2066\u2067',
  'zero width': 'a\u200bb\u200c\u200d\u2060\ufeff',
  'line and paragraph separators': 'a\u2028b\u2029c\x85',
  'tags and fillers': `\u{e0041}\u{e007f}\u3164\u115f\u034f`,
  'halves of pairs': '\ud800\udc00\ud800',
  'a mebibyte': 'x'.repeat(1024 * 1024),
}
/** Nothing of it may be in what is shown; the line feed and the codes of our own style excepted. */
const unfit = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const style = new RegExp(String.raw`${'\x1b'}\[(?:1|2|22|31|32|33|36|39)m`, 'g')

/** One of each kind, with every field that there can be. */
const events: Readonly<Record<string, GatewayEvent>> = {
  ready: {
    event: 'ready',
    version: '1.0.0',
    startedInMs: 1,
    appUrl: 'https://a.example',
    origins: ['https://a.example', 'https://localhost:3443', 'https://192.168.0.2:3443'],
    profiles: [
      {
        name: 'default',
        url: 'https://a.example/api/mcp/default',
        tools: 1,
        resources: 1,
        prompts: 1,
        servers: [
          { name: 'one', state: 'up', tools: 1 },
          { name: 'two', state: 'failed', tools: 0, error: 'it failed' },
          { name: 'three', state: 'login-needed', tools: 0, error: 'log in' },
        ],
        problems: ['a problem'],
      },
    ],
    redirectUri: 'https://a.example/api/oauth/callback',
    caFile: '/home/me/ca.pem',
    bundleFile: '/home/me/bundle.pem',
    caFingerprint: 'AB:CD',
    certFile: '/home/me/localhost.pem',
    certFingerprint: 'EF:01',
  },
  progress: { event: 'progress', step: 'Starting', detail: 'one' },
  upstream: {
    event: 'upstream',
    server: 'one',
    state: 'failed',
    tools: 1,
    error: 'gone',
    loginUrl: 'https://a',
  },
  'upstream that waits': {
    event: 'upstream',
    server: 'one',
    state: 'login-needed',
    error: 'log in',
    loginUrl: 'https://a',
  },
  ...Object.fromEntries(
    (['opening', 'proving', 'up', 'failed', 'lost', 'local'] as const).map((state) => [
      `tunnel ${state}`,
      {
        event: 'tunnel',
        provider: 'ngrok',
        state,
        publicUrl: 'https://b.example',
        probe: { note: 'note' },
        summary: 'summary',
        advice: 'advice',
        retryInMs: 1,
        code: 'TUNNEL_LOST',
        message: 'message',
        hint: 'hint',
      } as const,
    ]),
  ),
  approval: {
    event: 'approval',
    id: 'id',
    code: '123456',
    reference: 'reference',
    clientName: 'client',
    clientId: 'client-id',
    redirectHost: 'client.example',
    profile: 'default',
    origin: 'https://a.example',
    from: '203.0.113.9, through the tunnel',
    local: false,
    expiresAt: 1,
  },
  'approval with a wrong code': {
    event: 'approval-state',
    state: 'wrong-code',
    triesLeft: 2,
    id: 'id',
    reference: 'reference',
    clientName: 'client',
    from: '203.0.113.9, through the tunnel',
  },
  'approvals that are too many': { event: 'approval-state', state: 'busy', from: 'your network' },
  trust: { event: 'trust', server: 'one', change: 'refused', message: 'message' },
  'url-changed': {
    event: 'url-changed',
    previousUrl: 'https://a.example',
    appUrl: 'https://b.example',
    origins: ['https://b.example'],
    redirectUri: 'https://b.example/api/oauth/callback',
  },
  client: {
    event: 'client',
    client: 'codex',
    name: 'entry',
    path: '/home/me/x.toml',
    outcome: 'edited',
  },
  'config applied': { event: 'config', state: 'applied', changes: ['a change'] },
  'config rejected': {
    event: 'config',
    state: 'rejected',
    code: 'CONFIG_INVALID',
    message: 'message',
    hint: 'hint',
  },
  warning: { event: 'warning', code: 'CODE', message: 'message', hint: 'hint' },
  error: {
    event: 'error',
    code: 'BUG',
    message: 'message',
    hint: 'hint',
    stack: 'Error: x\n    at y',
  },
  stopped: { event: 'stopped', reason: 'reason' },
}
/** What decides which kind of event it is, and never comes from others. */
const kinds = ['event', 'state', 'change', 'outcome', 'code']

const rows = Object.entries(events).flatMap(([name, event]) =>
  stringsOf(event).map((path) => [name, path.join('.'), event, path] as const),
)

describe.each(Object.entries(hostile))('%s', (_what, chosen) => {
  it.each(rows)('of %s in %s', (_name, _field, event, path) => {
    const before = String(valueAt(event, path))
    // Where an address is needed, the rest of it is theirs.
    const value = before.startsWith('http') ? `${before}/${chosen}` : chosen
    const changed = withValue(event, path, value) as GatewayEvent
    const { screen, json } = shownOf(changed)
    expectFit(screen)
    expectFit(json)
    if (json !== '') expect(JSON.parse(json)).toMatchObject({ event: event.event })
    if (value.length < 200 && json !== '') expect(valueAt(JSON.parse(json), path)).toBe(value)
  })

  it.each(['message', 'fix', 'title'])('in the %s of a finding of the doctor', (field) => {
    const finding = {
      check: 'c',
      title: 'T',
      state: 'warn',
      message: 'm',
      fix: 'f',
      [field]: chosen,
    } as const
    const report = { findings: [finding], summary: { ok: 0, warn: 1, fail: 0 } }
    const { output, out } = capture(false)
    output.answer(formatDoctor(report, output.stdout))
    expectFit(out())
    const machine = capture(true)
    machine.output.data(report)
    expectFit(machine.out(), Number.POSITIVE_INFINITY)
  })

  it.each([
    ['an expected failure', new UserError('USAGE', chosen, { hint: chosen })],
    ['a bug', Object.assign(new Error(chosen), { stack: `Error: ${chosen}\n    at ${chosen}` })],
  ])('in %s', (_kind, error) => {
    const { output, err } = capture(false)
    output.talk(formatFailure(error, output.stderr))
    expectFit(err())
    const machine = capture(true)
    machine.output.event(failureEvent(error))
    expectFit(machine.out())
  })

  it('in the log, on a terminal and in a file', () => {
    const terminal = capture(false)
    for (const write of [(line: string) => terminal.output.log(line), undefined]) {
      const lines: string[] = []
      const destination = {
        write(line: string) {
          write?.(line)
          lines.push(line)
        },
      }
      createLogger({ level: 'debug', destination }).warn('said', {
        line: chosen,
        more: { deep: [chosen] },
      })
      expectFit(lines.join(''))
    }
    expectFit(terminal.err())
  })

  it('on a page', () => {
    const request = {
      interaction: 'i',
      clientName: chosen,
      clientId: chosen,
      redirectHost: chosen,
      redirectUri: chosen,
      profile: chosen,
      issuer: chosen,
      scopes: [chosen],
    }
    const content = { description: chosen, servers: [{ name: chosen, tools: [chosen] }] }
    expectFit(
      renderConsentPage({
        request: request as never,
        content,
        approval: { state: 'over' } as never,
        wrongCode: false,
        typing: false,
        signIn: [],
      }),
      60_000,
    )
    expectFit(renderErrorPage({ error: chosen, description: chosen }), 30_000)
  })
})

it.each(rows.filter(([, field]) => !/(?:message|hint|error|advice|stack)$/.test(field)))(
  '%s cannot look like another line of the screen in %s',
  (_name, _field, event, path) => {
    const value = `${String(valueAt(event, path))}/\n  Public    https://evil.example`
    const { screen } = shownOf(withValue(event, path, value) as GatewayEvent)
    expect(screen).not.toMatch(/^ +Public +https:\/\/evil/m)
  },
)

function shownOf(event: GatewayEvent): { screen: string; json: string } {
  const person = capture(false)
  const screen = person.output.stderr
  if (event.event === 'ready') {
    const view = { screen, platform: 'linux', configFile: 'gateway.json', keys: true } as const
    person.output.answer(formatReady(event as ReadyEvent, view))
  } else if (event.event === 'progress') person.output.progress(`${event.step}: ${event.detail}`)
  else {
    const text = createNewsFormatter({ screen, configFile: 'gateway.json' })(event)
    if (text !== undefined) {
      // The formatter itself lets no code of a style through that is not its own.
      const plain = capture(true).output.stderr
      const unstyled = createNewsFormatter({ screen: plain, configFile: 'gateway.json' })(event)
      expect(unstyled?.join('\n')).not.toMatch(unfitBut('\n'))
      person.output.talk(text)
    }
  }
  const machine = capture(true)
  machine.output.event(event)
  return { screen: person.out() + person.err(), json: machine.out() }
}

/** A terminal, in colour. */
function capture(json: boolean) {
  const streams = [new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream.setEncoding('utf8'), { isTTY: !json, columns: 100 }),
  )
  const [stdout = new PassThrough(), stderr = new PassThrough()] = streams
  const output = createOutput({ stdout, stderr, env: {}, json })
  return { output, out: () => String(stdout.read() ?? ''), err: () => String(stderr.read() ?? '') }
}

function expectFit(shown: string, longest = 25_000): void {
  const unstyled = shown.replace(style, '').replaceAll('\n', '')
  const found = unfit.exec(unstyled)
  const around =
    found && JSON.stringify(unstyled.slice(Math.max(0, found.index - 40), found.index + 40))
  expect(around).toBeNull()
  expect(shown.length).toBeLessThan(longest)
}

function unfitBut(allowed: string): RegExp {
  return new RegExp(`(?!${allowed})${unfit.source}`, 'u')
}

function stringsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value === 'string') return kinds.includes(path.at(-1) ?? '') ? [] : [[...path]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => stringsOf(one, [...path, key]))
}

function withValue(
  value: unknown,
  [key, ...rest]: readonly string[],
  replacement: string,
): unknown {
  if (key === undefined) return replacement
  const copy = structuredClone(value) as Record<string, unknown>
  copy[key] = withValue(copy[key], rest, replacement)
  return copy
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value)
}
