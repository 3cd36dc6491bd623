import { describe, expect, it } from 'vitest'
import {
  allScopes,
  createRequiredScopes,
  type ScopedTool,
  scopesOfTools,
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
  const every = allScopes(rules)
  const calls: [string, string[], string[]][] = [
    ['one tool', ['find'], ['mcp', 'search']],
    ['several, each with its own', ['find', 'erase'], ['mcp', 'search', 'write', 'destroy']],
    ['a tool that nobody has, which may appear before it is called', ['nothing'], every],
    ['a name of every object', ['constructor'], every],
    ['none', [], []],
  ]
  it.each(calls)('needs the scopes of every tool that is called: %s', (_, names, scopes) => {
    const tool = (name: string) => (Object.hasOwn(tools, name) ? tools[name] : undefined)
    expect(scopesOfTools(names, { required, every, tool })).toEqual(scopes)
  })
})
