import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editObject, elementsOf, membersOf, memberText } from '../../src/mcp/wire/json-text.ts'

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
const string = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\""',
    '"\\\\"',
    '"\\\\\\""',
    '"\\ud800"',
    '"\\u2028"',
    '"\u2028"',
    '"{[,:]}"',
    '"\\u0061"',
  ),
)
const scalar = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    'false',
    '1.0',
    '1e2',
    '-0',
    '12345678901234567890',
    '0.10',
    '1E+2',
  ),
  fc.integer().map(String),
)
// No backslash in a key: V8 13.6 reads the key of `{"a":0,"\\"":0}` as a backslash after one like it had one.
const key = fc
  .oneof(fc.constantFrom('"a"', '"\\u0061"', '"10"', '"2"', '"__proto__"', '""'), string)
  .filter((text) => !(JSON.parse(text) as string).includes('\\'))

/** JSON texts as programs and people write them: any white space, repeated keys, any number. */
const { value, object, array } = fc.letrec<{ value: string; object: string; array: string }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      scalar,
      string,
      tie('object'),
      tie('array'),
    ),
    object: fc
      .array(fc.tuple(space, key, space, space, tie('value'), space), { maxLength: 5 })
      .map(
        (members) =>
          `{${members.map(([a, name, b, c, text, d]) => `${a}${name}${b}:${c}${text}${d}`).join(',') || ' '}}`,
      ),
    array: fc
      .array(fc.tuple(space, tie('value'), space), { maxLength: 5 })
      .map((elements) => `[${elements.map((parts) => parts.join('')).join(',') || '\n'}]`),
  }),
)
const around = (text: fc.Arbitrary<string>) =>
  fc.tuple(space, text, space).map((parts) => parts.join(''))
const member = fc.tuple(
  key.map((text) => JSON.parse(text) as string),
  value,
)

describe('JSON as text', () => {
  it('finds the members that JSON.parse finds, in the order they were written', () => {
    fc.assert(
      fc.property(around(object), (text) => {
        const found = membersOf(text)
        const read = Object.fromEntries(
          found.map((one) => [one.key, JSON.parse(text.slice(one.start, one.end))]),
        )
        expect(JSON.stringify(read)).toBe(JSON.stringify(ownParse(text)))
        for (const { key: name, keyStart, start, end } of found) {
          expect(JSON.parse(`{${text.slice(keyStart, end)}}`)).toEqual(
            ownParse(`{${JSON.stringify(name)}:${text.slice(start, end)}}`),
          )
          expect(text.slice(start, end).trim()).toBe(text.slice(start, end))
        }
      }),
    )
  })

  it('reads the value of a key as JSON.parse does, the last of several', () => {
    fc.assert(
      fc.property(around(object), key, (text, name) => {
        const wanted = JSON.parse(name) as string
        const read = ownParse(text) as Record<string, unknown>
        const found = memberText(text, wanted)
        expect(found !== undefined).toBe(Object.hasOwn(read, wanted))
        if (found !== undefined) expect(ownParse(found)).toEqual(read[wanted])
      }),
    )
  })

  it('finds the elements that JSON.parse finds', () => {
    fc.assert(
      fc.property(around(array), (text) => {
        expect(elementsOf(text).map(ownParse)).toEqual(ownParse(text))
      }),
    )
  })

  it('writes anew what is edited, once, and nothing else', () => {
    fc.assert(
      fc.property(
        around(object),
        fc.array(member, { maxLength: 3 }),
        fc.array(key, { maxLength: 2 }),
        (text, set, removed) => {
          const edits = Object.fromEntries<string | undefined>([
            ...removed.map((name) => [JSON.parse(name), undefined] as const),
            ...set,
          ])
          const edited = editObject(text, edits)
          const expected = new Map(Object.entries(ownParse(text) as object))
          for (const [name, to] of Object.entries(edits)) {
            if (to === undefined) expected.delete(name)
            else expected.set(name, ownParse(to))
          }
          expect(new Map(Object.entries(ownParse(edited) as object))).toEqual(expected)
          const kept = (all: string) =>
            membersOf(all)
              .filter((one) => !Object.hasOwn(edits, one.key))
              .map((one) => all.slice(one.keyStart, one.end))
          expect(kept(edited)).toEqual(kept(text))
          for (const [name, to] of Object.entries(edits)) {
            const written = membersOf(edited).filter((one) => one.key === name)
            expect(written.map(({ start, end }) => edited.slice(start, end))).toEqual(
              to === undefined ? [] : [to],
            )
          }
        },
      ),
    )
  })

  it('finds nothing in what is no object or no array', () => {
    for (const text of ['1', ' null', '"{}"', '[{"a":1}]']) expect(membersOf(text)).toEqual([])
    for (const text of ['1', ' null', '"[]"', '{"a":[1]}']) expect(elementsOf(text)).toEqual([])
  })

  it('reads deep nesting and long strings without recursion', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"b":"${'\\\\'.repeat(1_000_000)}"}`
    expect(membersOf(deep).map((one) => one.end - one.start)).toEqual([200_000, 2_000_002])
  })
})

/** JSON.parse, with `__proto__` an ordinary key in the answer too. */
function ownParse(text: string): unknown {
  return JSON.parse(text) as unknown
}
