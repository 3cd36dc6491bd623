import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConfigFormat, ConfigValue } from '../../src/editing/config-format.ts'
import {
  type EntryMemory,
  type PutResult,
  putEntry,
  takeEntry,
} from '../../src/editing/edit-entry.ts'
import { jsonFormat } from '../../src/editing/json-format.ts'
import { tomlFormat } from '../../src/editing/toml-format.ts'
import { yamlFormat } from '../../src/editing/yaml-format.ts'
import { jsonDocument, tomlDocument, yamlDocument } from './documents.ts'

const value = { url: 'https://localhost:3443/api/mcp/default' }
const later = { url: 'https://otter.example/api/mcp/default', headers: { a: 'b' } }

function put(
  text: string,
  format: ConfigFormat,
  options: { path: string[]; value?: ConfigValue; memory?: EntryMemory; force?: boolean },
): PutResult {
  const entry = { path: options.path, value: options.value ?? value }
  return putEntry(text, entry, { format, memory: options.memory, force: options.force ?? false })
}

function changed(result: PutResult) {
  if (result.state !== 'changed') throw new Error(`it is ${result.state}`)
  return result
}

/** Whether `text` came about by adding to `original` only. */
function isAddition(original: string, text: string): boolean {
  let found = 0
  for (const character of text) if (character === original[found]) found += 1
  return found === original.length
}

const formats = [
  { format: jsonFormat, path: ['mcpServers', 'sallyport'], document: jsonDocument },
  { format: tomlFormat, path: ['mcp_servers', 'sallyport'], document: tomlDocument },
  { format: yamlFormat, path: ['extensions', 'sallyport'], document: yamlDocument },
]

describe.each(formats)('an entry in $format.name', ({ format, path, document }) => {
  const readable = document.filter((text) => format.read(text).ok)

  it('is added to whatever is there, once, and taken out again byte for byte', () => {
    fc.assert(
      fc.property(readable, (text) => {
        const first = changed(put(text, format, { path }))
        expect(isAddition(text, first.text)).toBe(true)
        expect(put(first.text, format, { path, memory: first.memory }).state).toBe('unchanged')
        const second = changed(
          put(first.text, format, { path, value: later, memory: first.memory }),
        )
        for (const { text: full, memory } of [first, second]) {
          const taken = takeEntry(full, memory, { format, force: false })
          expect(taken).toEqual({ state: 'taken', text, exact: true })
        }
      }),
      { numRuns: 200 },
    )
  })

  it('leaves the rest of the document as it was when its own text is not found any more', () => {
    fc.assert(
      fc.property(readable, (text) => {
        const { text: full } = changed(put(text, format, { path }))
        const memory = { path, versions: [{ value }] }
        const taken = takeEntry(full, memory, { format, force: false })
        if (taken.state === 'impossible') return
        expect(taken.state).toBe('taken')
        const again =
          taken.state === 'taken' ? changed(put(taken.text, format, { path })) : undefined
        expect(again?.state).toBe('changed')
      }),
      { numRuns: 200 },
    )
  })

  it('of somebody else is left alone, unless that is asked for, and then comes back', () => {
    fc.assert(
      fc.property(readable, (text) => {
        const foreign = changed(put(text, format, { path, value: later })).text
        expect(put(foreign, format, { path }).state).toBe('foreign')
        const ours = changed(put(foreign, format, { path, force: true }))
        const taken = takeEntry(ours.text, ours.memory, { format, force: false })
        expect(taken).toEqual({ state: 'taken', text: foreign, exact: true })
      }),
      { numRuns: 100 },
    )
  })

  it('that somebody changed stays when it is undone', () => {
    const { text, memory } = changed(put('', format, { path }))
    const edited = text.replace('localhost', 'elsewhere')
    expect(takeEntry(edited, memory, { format, force: false }).state).toBe('edited')
    expect(takeEntry(edited, memory, { format, force: true }).state).toBe('taken')
  })

  it('is taken out of a document that others have written to since', () => {
    const { text, memory } = changed(put('', format, { path }))
    const neighbour = changed(
      put(text, format, { path: [path[0] ?? '', 'other'], value: { url: 'https://o.example' } }),
    ).text
    const taken = takeEntry(neighbour, memory, { format, force: false })
    expect(taken.state).toBe('taken')
    const left = taken.state === 'taken' ? format.read(taken.text) : undefined
    expect(left).toEqual({
      ok: true,
      value: { [path[0] ?? '']: { other: { url: 'https://o.example' } } },
    })
  })
})

describe('documents that are not edited', () => {
  it.each([
    [jsonFormat, '{"mcpServers": []}'],
    [jsonFormat, '{"mcpServers": "no"}'],
    [jsonFormat, '[]'],
    [jsonFormat, '{"mcpServers": {}, "mcpServers": {"a": 1}}'],
    [tomlFormat, 'mcp_servers = { a = { url = "b" } }\n'],
    [yamlFormat, 'mcpServers: text\n'],
    [yamlFormat, 'a: 1\n...\n'],
    [yamlFormat, '- a\n'],
  ])('%# say so', (format, text) => {
    const path = format === tomlFormat ? ['mcp_servers', 'x'] : ['mcpServers', 'x']
    expect(put(text, format, { path }).state).toBe('impossible')
  })

  it.each([
    [jsonFormat, '{\n  "a": 1\n  "b": 2\n}', 3, 3],
    [jsonFormat, '{"a": ', 1, 7],
    [tomlFormat, 'a = 1\nb = x\n', 2, 5],
    [tomlFormat, 'a = 1\na = 2\n', 2, 1],
    [yamlFormat, 'a: 1\nb: {\n', 3, 1],
    [yamlFormat, 'a: "b\n', 2, 1],
  ])('%# are malformed at a place', (format, text, line, column) => {
    expect(format.read(text)).toMatchObject({ ok: false, line, column })
  })
})
