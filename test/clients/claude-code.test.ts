import { describe, expect, it } from 'vitest'
import {
  claudeCodeCommand,
  claudeCodeConfig,
  claudeCodeStart,
} from '../../src/clients/claude-code.ts'
import { clientEntryName } from '../../src/clients/entry-name.ts'

const url = 'https://localhost:3443/api/mcp/default'

describe('the Claude Code configuration', () => {
  it('is a .mcp.json with the endpoints as HTTP servers', () => {
    expect(JSON.parse(claudeCodeConfig([{ name: 'sallyport', url }]))).toEqual({
      mcpServers: { sallyport: { type: 'http', url } },
    })
  })

  it('is added by one command', () => {
    expect(claudeCodeCommand({ name: 'sallyport', url })).toBe(
      `claude mcp add --transport http sallyport ${url}`,
    )
  })

  it.each([
    ['linux', '/a/ca.pem', 'NODE_EXTRA_CA_CERTS=/a/ca.pem claude'],
    ['darwin', '/my a/ca.pem', "NODE_EXTRA_CA_CERTS='/my a/ca.pem' claude"],
    ['linux', "/it's/ca.pem", "NODE_EXTRA_CA_CERTS='/it'\\''s/ca.pem' claude"],
    ['linux', '/$HOME/`x`', "NODE_EXTRA_CA_CERTS='/$HOME/`x`' claude"],
    ['win32', 'C:\\a b\\ca.pem', "$env:NODE_EXTRA_CA_CERTS='C:\\a b\\ca.pem'; claude"],
    ['win32', "C:\\it's", "$env:NODE_EXTRA_CA_CERTS='C:\\it''s'; claude"],
  ] as const)('names the authority on %s for %s', (platform, file, expected) => {
    expect(claudeCodeStart(file, platform)).toBe(expected)
  })

  it.each([
    ['default', 'sallyport'],
    ['work', 'sallyport-work'],
  ])('names the entry of profile %s %s', (profile, name) => {
    expect(clientEntryName(profile)).toBe(name)
  })
})
