import { expect, it } from 'vitest'
import { formatDoctor } from '../../../src/cli/ui/doctor.ts'
import type { DoctorReport } from '../../../src/doctor/examine.ts'
import { asText, plain } from '../helpers.ts'

const report: DoctorReport = {
  findings: [
    { check: 'ports', title: 'Ports', state: 'ok', message: 'Port 3443 (HTTPS_PORT) is free.' },
    {
      check: 'trust',
      title: 'Trust',
      state: 'warn',
      message: 'curl and git refuse the local certificate as they are started from here.',
      fix: 'eval "$(pnpm -s sallyport env --shell bash)"',
    },
    {
      check: 'address',
      title: 'Ports',
      state: 'fail',
      message: 'It is \u001b[31mdead.',
      fix: 'Press r in the terminal of the gateway, which opens the tunnel again.',
    },
  ],
  summary: { ok: 1, warn: 1, fail: 1 },
}

it('shows findings in groups, and below each what to do', () => {
  expect(asText(formatDoctor(report, plain(80)))).toBe(`
  Ports
    ok    Port 3443 (HTTPS_PORT) is free.
    fail  It is \\x1b[31mdead.
          Press r in the terminal of the gateway, which opens the tunnel again.

  Trust
    warn  curl and git refuse the local certificate as they are started from
          here.
          eval "$(pnpm -s sallyport env --shell bash)"

  1 failure, 1 warning, 1 ok.
`)
})

it('fits a narrow terminal, and never breaks a command', () => {
  const lines = asText(formatDoctor(report, plain(46))).split('\n')
  expect(lines.every((line) => line.length <= 46)).toBe(true)
  expect(lines).toContain('  eval "$(pnpm -s sallyport env --shell bash)"')
  expect(lines).toContain('          Press r in the terminal of the')
})

it('says so when all is well', () => {
  const [first] = report.findings
  const summary = { ok: 1, warn: 0, fail: 0 }
  const text = asText(formatDoctor({ findings: first ? [first] : [], summary }, plain()))
  expect(text).toContain('All is well: 1 finding.')
})
