import { describe, expect, it } from 'vitest'
import { paramHeaderProblem, paramHeaders } from '../../src/mcp/upstreams/param-headers.ts'

const tool = {
  name: 'deploy',
  inputSchema: {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      target: { type: 'object', properties: { id: { type: 'integer', 'x-mcp-header': 'Target' } } },
      dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
      other: { type: 'string' },
    },
  },
}

describe('Mcp-Param headers', () => {
  it.each([
    [{}, undefined],
    [{ other: 'x' }, undefined],
    [{ region: null }, undefined],
    [{ region: 'eu' }, { 'Mcp-Param-Region': 'eu' }],
    [{ region: 'a b' }, { 'Mcp-Param-Region': 'a b' }],
    [
      { target: { id: 7 }, dry: false },
      { 'Mcp-Param-Target': '7', 'Mcp-Param-Dry': 'false' },
    ],
    [{ region: '' }, { 'Mcp-Param-Region': '=?base64??=' }],
    [{ region: ' eu' }, { 'Mcp-Param-Region': '=?base64?IGV1?=' }],
    [{ region: 'é' }, { 'Mcp-Param-Region': '=?base64?w6k=?=' }],
    [{ region: 'a\r\nb' }, { 'Mcp-Param-Region': '=?base64?YQ0KYg==?=' }],
    [{ region: '=?base64?x?=' }, { 'Mcp-Param-Region': '=?base64?PT9iYXNlNjQ/eD89?=' }],
    [{ region: { nested: true } }, undefined],
  ])('of %j are %j', (args, expected) => {
    expect(paramHeaders(tool, args)).toEqual(expected)
  })
})

describe('the check of Mcp-Param headers', () => {
  it.each([
    [{ region: 'eu' }, { 'mcp-param-region': 'eu' }, undefined],
    [{ region: 'é' }, { 'mcp-param-region': '=?base64?w6k=?=' }, undefined],
    [{ target: { id: 7 } }, { 'mcp-param-target': '7.0' }, undefined],
    [{ other: 'x' }, { 'mcp-param-region': 'ignored' }, undefined],
    [{ region: 'eu' }, {}, /is absent/],
    [{ region: 'eu' }, { 'mcp-param-region': 'us' }, /disagree/],
    [{ region: 'eu' }, { 'mcp-param-region': '=?base64?***?=' }, /not valid base64/],
    [{ region: '7' }, { 'mcp-param-region': '7.5' }, /disagree/],
  ])('finds in %j with %j: %s', (args, headers, expected) => {
    const problem = paramHeaderProblem(tool, args, headers)
    if (expected) expect(problem).toMatch(expected)
    else expect(problem).toBeUndefined()
  })
})
