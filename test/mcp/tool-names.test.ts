import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createToolFilter } from '../../src/mcp/profiles/tool-filter.ts'
import { exposedName, nameProblem } from '../../src/mcp/profiles/tool-names.ts'

describe('exposedName', () => {
  it.each([
    ['auto', 1, 'echo'],
    ['auto', 2, 'files__echo'],
    ['prefix', 1, 'files__echo'],
    ['prefix', 2, 'files__echo'],
    ['plain', 1, 'echo'],
    ['plain', 2, 'echo'],
  ] as const)('with naming %s and %i servers is %s', (naming, serverCount, expected) => {
    expect(exposedName('files', 'echo', { naming, serverCount })).toBe(expected)
  })

  it('puts a server name into the characters clients accept', () => {
    expect(exposedName('my.files', 'echo', { naming: 'prefix', serverCount: 1 })).toBe(
      'my_files__echo',
    )
  })

  it('never depends on anything but its arguments', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(5), (server, tool, serverCount) => {
        const rules = { naming: 'auto', serverCount } as const
        expect(exposedName(server, tool, rules)).toBe(exposedName(server, tool, rules))
        expect(exposedName(server, tool, rules).endsWith(tool)).toBe(true)
      }),
    )
  })
})

describe('nameProblem', () => {
  it.each([
    ['a', undefined],
    ['a'.repeat(64), undefined],
    ['a'.repeat(65), /65 characters/],
    ['list files', /characters other than/],
    ['files/list', /characters other than/],
    ['', /characters other than/],
  ])('of %j is %s', (name, expected) => {
    if (expected) expect(nameProblem(name)).toMatch(expected)
    else expect(nameProblem(name)).toBeUndefined()
  })
})

describe('a tool filter', () => {
  const rules = { allow: [], deny: [], rename: {}, describe: {} }
  it.each([
    [{ allow: [] }, true],
    [{ allow: ['read_*'] }, true],
    [{ allow: ['files/*'] }, true],
    [{ allow: ['other/*'] }, false],
    [{ allow: ['write_*'] }, false],
    [{ deny: ['read_*'] }, false],
    [{ allow: ['files/*'], deny: ['*_file'] }, false],
    [{ deny: ['other/*'] }, true],
    [{ allow: ['{read,write}_*'] }, true],
  ])('with %j allows files/read_file: %s', (given, expected) => {
    expect(createToolFilter({ ...rules, ...given }).allows('files', 'read_file')).toBe(expected)
  })

  it('prefers the narrower reference when it renames', () => {
    const filter = createToolFilter({ ...rules, rename: { echo: 'any', 'files/echo': 'mine' } })
    expect(filter.renamed('files', 'echo')).toBe('mine')
    expect(filter.renamed('other', 'echo')).toBe('any')
    expect(filter.renamed('other', 'constructor')).toBeUndefined()
  })
})
