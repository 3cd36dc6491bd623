import { describe, expect, it } from 'vitest'
import { scopesOfMessage } from '../../../src/oauth/resource-server/required-scopes.ts'
import {
  allScopes,
  createRequiredScopes,
  type ScopedTool,
} from '../../../src/oauth/resource-server/tool-scopes.ts'

const rules = [
  { scope: 'issues', tools: ['github/*_issue'], annotations: [] },
  { scope: 'search', tools: ['search'], annotations: [] },
  { scope: 'write', tools: [], annotations: ['writing' as const] },
  { scope: 'destroy', tools: [], annotations: ['destructive' as const] },
]
const readOnly = { readOnlyHint: true }

const rows: [string, ScopedTool, string[]][] = [
  ['a read-only tool', { server: 'a', name: 'list', annotations: readOnly }, ['mcp']],
  [
    'a tool by its own name',
    { server: 'a', name: 'search', annotations: readOnly },
    ['mcp', 'search'],
  ],
  [
    'a tool of the named server',
    { server: 'github', name: 'get_issue', annotations: readOnly },
    ['mcp', 'issues'],
  ],
  [
    'the same name elsewhere',
    { server: 'gitlab', name: 'get_issue', annotations: readOnly },
    ['mcp'],
  ],
  ['a tool that says nothing', { server: 'a', name: 'x' }, ['mcp', 'write', 'destroy']],
  [
    'a tool that only adds',
    { server: 'a', name: 'x', annotations: { destructiveHint: false } },
    ['mcp', 'write'],
  ],
  [
    'a glob does not reach into another segment',
    { server: 'github', name: 'a/b_issue', annotations: readOnly },
    ['mcp'],
  ],
]

describe('scopes of tools', () => {
  const required = createRequiredScopes(rules)

  it.each(rows)('%s', (_, tool, scopes) => {
    expect(required(tool)).toEqual(scopes)
  })

  it('lists the base scope first and each scope once', () => {
    expect(allScopes([...rules, ...rules])).toEqual(['mcp', 'issues', 'search', 'write', 'destroy'])
  })

  const tools: Record<string, ScopedTool> = {
    find: { server: 'a', name: 'search', annotations: readOnly },
    erase: { server: 'a', name: 'erase' },
  }
  const call = (name: unknown) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name },
  })
  const messages: [string, unknown, string[]][] = [
    ['another method', { method: 'tools/list' }, ['mcp']],
    ['a call', call('find'), ['mcp', 'search']],
    ['a batch', [call('find'), call('erase')], ['mcp', 'search', 'write', 'destroy']],
    ['a tool nobody has', call('nothing'), ['mcp']],
    ['a name that is no text', call({ find: true }), ['mcp']],
    ['no body', undefined, ['mcp']],
    ['null', null, ['mcp']],
    ['text', 'tools/call', ['mcp']],
  ]
  it.each(messages)('needs the scopes of every tool a message calls: %s', (_, body, scopes) => {
    expect(scopesOfMessage(body, { required, tool: (name) => tools[name] })).toEqual(scopes)
  })
})
