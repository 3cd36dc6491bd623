import { describe, expect, it } from 'vitest'
import { formatResult, isConformant, notRun, parseVerdicts } from './conformance-suite.ts'
import { parseRequirements, requiredScenarios } from './required-scenarios.ts'

describe('the conformance requirements', () => {
  it('are the ones the installed suite has frozen', () => {
    expect(requiredScenarios('2025-11-25')).toHaveLength(30)
    expect(requiredScenarios('2026-07-28')).toHaveLength(37)
  })

  it('are read from the server section alone', () => {
    const yaml = 'a: b\n\nserver:\n  - ping\n  # why\n  - auth/x\n\nclient:\n  - tools_call\n'
    expect(parseRequirements(yaml)).toEqual(['ping', 'auth/x'])
  })
})

describe('the conformance verdicts', () => {
  it('count a scenario that checked nothing as not passed', () => {
    const log =
      '✓ ping: 2 passed, 0 failed\n✗ tools-list: 1 passed, 1 failed\n✓ idle: 0 passed, 0 failed\n'
    expect([...parseVerdicts(log)]).toEqual([
      ['ping', true],
      ['tools-list', false],
      ['idle', false],
    ])
  })

  it('fail every required scenario when the suite could not run', () => {
    const result = notRun({ label: 'stdio', revision: '2025-11-25' })
    expect(isConformant(result)).toBe(false)
    expect(formatResult(result)).toMatch(/^conformance stdio 2025-11-25: 0\/30\n/)
  })

  it('are not conformant when the suite disagrees with its own summary', () => {
    const result = {
      ...notRun({ label: 'a', revision: '2025-11-25' }),
      passed: ['ping'],
      failed: [],
    }
    expect(isConformant({ ...result, exitCode: 1 })).toBe(false)
    expect(isConformant({ ...result, exitCode: 0 })).toBe(true)
  })
})
