import { UriTemplate } from '@modelcontextprotocol/client'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesTemplate } from '../../src/mcp/profiles/uri-template.ts'
import { bestTimeOf, growsBeyond } from '../fixtures/growth.ts'

const rows: [template: string, uri: string, fits: boolean][] = [
  ['note://{id}', 'note://1', true],
  ['note://{id}', 'note://', false],
  ['note://{id}', 'note://1/2', false],
  ['note://{id}', 'NOTE://1', false],
  ['note://{id}/text', 'note://1/text', true],
  ['note://{id}/text', 'note://1/text/', false],
  ['weather://{city}-{country}', 'weather://new-york-us', true],
  ['weather://{city}-{country}', 'weather://-', false],
  ['file://{+path}', 'file:///a/b/c', true],
  ['file://{+path}.md', 'file:///a/b.md/c.md', true],
  ['file://{+path}x{name}', 'file://ax/bx/cxd', true],
  ['list://{ids*}', 'list://1,2,3', true],
  ['list://{id}', 'list://1,2,3', false],
  ['pair://{x,y}', 'pair://1,2', true],
  ['a{/x}', 'a/b', true],
  ['a{.x}', 'a.b', true],
  ['search://all{?q,page}', 'search://all?q=a%20b&page=2', true],
  ['search://all{?q}{&page}', 'search://all?q=a&page=2', true],
  ['search://all{?q}', 'search://all?r=a', false],
  ['aa{x}aa', 'aaaaa', true],
  ['aa{x}aa', 'aaaa', false],
  ['plain', 'plain', true],
  ['plain', 'plainer', false],
  ['', '', true],
  ['broken://{id', 'broken://1', false],
  ['café://{x}', 'café://ů', true],
]

describe('a URI template', () => {
  it.each(rows)('%s and %s', (template, uri, fits) => {
    expect(matchesTemplate(template, uri)).toBe(fits)
  })

  it('fits what it fits for the SDK, whose servers will be asked', () => {
    const part = fc.constantFrom('{a}', '{+b}', '{.c}', '{/d}', '{?e,f}', '{&g}', '-', '/', 'x', '')
    const templates = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    const uris = fc.string({
      unit: fc.constantFrom('x', '-', '/', '.', ',', '?', '&', 'e=', 'f=', 'g='),
      maxLength: 12,
    })
    fc.assert(
      fc.property(templates, uris, (template, uri) => {
        expect(matchesTemplate(template, uri)).toBe(new UriTemplate(template).match(uri) !== null)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['weather://{city}-{country}', '-'],
    ['x{a}-{b}-{c}-{d}-{e}!', '-'],
    ['{+a}x{+b}x{+c}x{+d}!', 'x'],
    ['aaaaaaaa{x}aaaaaaaa!', 'a'],
    ['{a*}{b*}{c*}{d*}!', ','],
  ])('takes time in proportion to the URI: %s', (template, character) => {
    const time = (length: number) => {
      const uri = `weather://${character.repeat(length)}`
      return bestTimeOf(() => matchesTemplate(template, uri), 3)
    }
    time(50_000)
    // Eight times the length: eight times the time, where it would be 64 times if it were squared.
    expect(growsBeyond(30, () => time(800_000) / time(100_000))).toBe(false)
  })
})
