import { describe, expect, it } from 'vitest'
import { paramHeaders } from '../../src/mcp/relay/param-headers.ts'

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
