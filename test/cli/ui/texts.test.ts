import { describe, expect, it } from 'vitest'
import { formatRestored } from '../../../src/cli/commands/dev-start.ts'
import { failureEvent, formatFailure } from '../../../src/cli/ui/failure.ts'
import { createNewsFormatter } from '../../../src/cli/ui/news.ts'
import { wantsColor, wrapText } from '../../../src/cli/ui/screen.ts'
import { formatQr } from '../../../src/cli/ui/snippets.ts'
import { UserError } from '../../../src/errors.ts'
import type { GatewayEvent } from '../../../src/gateway-events.ts'
import { shortPath } from '../../../src/lib/wording.ts'
import { exposureOfOrigin, isOtherNameOfLocalhost, needsCa } from '../../../src/origin/exposure.ts'
import { asText, plain } from '../helpers.ts'

describe('exposureOfOrigin', () => {
  it.each([
    ['https://localhost:3443', 'loopback'],
    ['https://web.localhost', 'loopback'],
    ['http://127.0.0.1:3001', 'loopback'],
    ['http://[::1]:3001', 'loopback'],
    ['https://192.168.1.20:3443', 'network'],
    ['https://10.0.0.1', 'network'],
    ['https://172.16.0.1', 'network'],
    ['https://172.32.0.1', 'public'],
    ['https://169.254.1.1', 'network'],
    ['https://100.64.0.1', 'network'],
    ['https://[fd00::1]', 'network'],
    ['https://box.local', 'network'],
    ['https://localhost.example', 'public'],
    ['https://quiet-otter.ngrok.app', 'public'],
  ])('judges %s as %s', (origin, exposure) => {
    expect(exposureOfOrigin(origin)).toBe(exposure)
  })

  it.each([
    ['https://localhost:3443', true],
    ['https://192.168.1.20:3443', true],
    ['http://localhost:3001', false],
    ['https://quiet-otter.ngrok.app', false],
  ])('says whether %s needs our authority: %s', (origin, needed) => {
    expect(needsCa(origin)).toBe(needed)
  })

  it('knows the other names of localhost on the same port and scheme only', () => {
    const origins = ['https://localhost:3443', 'http://127.0.0.1:3001']
    expect(isOtherNameOfLocalhost('https://127.0.0.1:3443', origins)).toBe(true)
    expect(isOtherNameOfLocalhost('https://[::1]:3443', origins)).toBe(true)
    expect(isOtherNameOfLocalhost('http://127.0.0.1:3001', origins)).toBe(false)
    expect(isOtherNameOfLocalhost('https://localhost:3443', origins)).toBe(false)
  })
})

describe('wantsColor', () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: false }, {}, false],
    [{}, {}, false],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{}, { FORCE_COLOR: '1' }, true],
    [{ isTTY: true }, { FORCE_COLOR: '0' }, false],
    [{}, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('for %j with %j is %s', (stream, env, expected) => {
    expect(wantsColor(stream, env)).toBe(expected)
  })
})

describe('layout', () => {
  it('keeps the indentation of a line it breaks', () => {
    expect(wrapText('ab\n  cd ef gh', 8)).toEqual(['ab', '  cd ef', '  gh'])
  })

  it('gives up the margin of code before it breaks it', () => {
    expect(plain(10).code('x'.repeat(8))).toEqual(['  xxxxxxxx'])
    expect(plain(10).code('x'.repeat(9))).toEqual(['xxxxxxxxx'])
  })

  it.each([
    ['/p/config/gateway.json', 'config/gateway.json'],
    ['/p', '/p'],
    ['/other/file', '/other/file'],
  ])('names %s in /p as %s', (path, expected) => {
    expect(shortPath(path, '/p')).toBe(expected)
  })

  it('shows the address alone where a QR code does not fit', () => {
    expect(asText(formatQr('https://localhost', plain(20)))).toContain('too narrow')
    expect(asText(formatQr('https://localhost', plain(80)))).toContain('█')
  })
})

describe('a failure', () => {
  const error = new UserError('PORT_IN_USE', 'Port 3001 is taken.', { hint: 'Use another.' })

  it('is shown with message, hint and code, without a stack', () => {
    expect(asText(formatFailure(error, plain()))).toBe(
      '  Port 3001 is taken.\n  Use another.\n  PORT_IN_USE',
    )
    expect(failureEvent(error)).toEqual({
      event: 'error',
      code: 'PORT_IN_USE',
      message: 'Port 3001 is taken.',
      hint: 'Use another.',
    })
  })

  it('that is a bug is shown with its stack and where to report it', () => {
    const text = asText(formatFailure(new TypeError('x is not a function'), plain()))
    expect(text).toContain('TypeError: x is not a function\n    at ')
    expect(text).toContain('Please report it')
  })
})

describe('news', () => {
  const formatter = () => {
    const news = createNewsFormatter({ screen: plain(), configFile: 'config/gateway.json' })
    return (event: GatewayEvent) => news(event)?.join('\n')
  }

  it('tells a failure once, and the recovery', () => {
    const news = formatter()
    const failed = { event: 'upstream', server: 'files', state: 'failed', error: 'exit 1' } as const
    expect(news(failed)).toBe('  Server "files" failed: exit 1')
    expect(news({ ...failed, state: 'starting' })).toBeUndefined()
    expect(news(failed)).toBeUndefined()
    expect(news({ ...failed, error: 'exit 2' })).toContain('exit 2')
    const up = { event: 'upstream', server: 'files', state: 'up', tools: 2 } as const
    expect(news(up)).toBe('  Server "files" is back with 2 tools.')
    expect(news({ ...up, state: 'idle' })).toBeUndefined()
    expect(news(up)).toBeUndefined()
  })

  it('tells once that a server works in part', () => {
    const news = formatter()
    const up = { event: 'upstream', server: 'files', state: 'up', tools: 2 } as const
    const partly = { ...up, error: 'prompts/list failed: no' }
    expect(news(partly)).toBe('  Server "files" works in part: prompts/list failed: no')
    expect(news(partly)).toBeUndefined()
    expect(news(up)).toBe('  Server "files" is back with 2 tools.')
  })

  it('says what follows from a new address', () => {
    const text = formatter()({
      event: 'url-changed',
      previousUrl: 'https://old.example',
      appUrl: 'https://new.example',
      origins: [],
      redirectUri: 'https://new.example/api/oauth/callback',
    })
    expect(text).toContain('https://old.example to\n  https://new.example\n')
    expect(text?.replaceAll(/\s+/g, ' ')).toContain('must be removed and added again')
    expect(text).toContain('  https://new.example/api/oauth/callback')
  })

  it('says that a server is trusted by something else now', () => {
    const message = 'The CA bundle of server "corp" was removed.\x1b[2J'
    const event = { event: 'trust', server: 'corp', change: 'removed', message } as const
    expect(formatter()(event)).toBe('  The CA bundle of server "corp" was removed.\\x1b[2J')
  })

  it('says what became of an edit', () => {
    const news = formatter()
    expect(news({ event: 'config', state: 'applied', changes: ['server files added'] })).toBe(
      '  Applied config/gateway.json: server files added.',
    )
    const rejected = { event: 'config', state: 'rejected', code: 'CONFIG_INVALID' } as const
    expect(news({ ...rejected, message: 'It is bad.', hint: 'Fix it.' })).toBe(
      '  Did not apply config/gateway.json; the previous configuration stays. It is\n  bad.\n  Fix it.',
    )
  })
})

it('says what became of the APP_URL lines', () => {
  expect(formatRestored([], '/p')).toBeUndefined()
  expect(
    formatRestored(
      [
        { path: '/p/.env', outcome: 'restored' },
        { path: '/p/new.env', outcome: 'removed' },
        { path: '/p/mine.env', outcome: 'edited' },
      ],
      '/p',
    ),
  ).toBe(
    'APP_URL in .env is as it was before. new.env, which did not exist before, is gone again. APP_URL in mine.env was changed meanwhile and was left alone.',
  )
})
