import * as fc from 'fast-check'

// Documents as people write them: comments, odd white space, trailing commas, either line ending.

const key = fc.constantFrom('a', 'b', 'theme', 'x-y', 'deep', 'é', 'with space', 'url')
const scalar = fc.constantFrom('1', 'true', 'null', '"text"', '"// no comment"', '"a\\"b"', '-2.5')
const gap = fc.constantFrom(
  '',
  '',
  ' ',
  '\n',
  '\n  ',
  '\n\t',
  ' /* c */ ',
  ' // c\n',
  '\n// "k": {\n  ',
)

interface Pieces {
  readonly gaps: readonly string[]
  readonly trailingComma: boolean
}
const pieces: fc.Arbitrary<Pieces> = fc.record({
  gaps: fc.array(gap, { minLength: 12, maxLength: 12 }),
  trailingComma: fc.boolean(),
})

function joined(members: readonly string[], { gaps, trailingComma }: Pieces): string {
  const at = (index: number) => gaps[index % gaps.length] ?? ''
  const list = members.map((member, index) => {
    const isLast = index === members.length - 1
    return at(index) + member + at(index + 3) + (isLast && !trailingComma ? '' : ',')
  })
  return list.join('') + at(members.length + 5)
}

const unique = (members: readonly (readonly [string, string])[]) => [...new Map(members)]

function objectOf(value: fc.Arbitrary<string>, keys = key): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(fc.tuple(keys, value), { maxLength: 4 }), pieces)
    .map(([members, style]) => {
      const printed = unique(members).map(
        ([name, one], index) => `"${name}"${index % 2 ? ': ' : ':'}${one}`,
      )
      return `{${joined(printed, style)}}`
    })
}

const value: fc.Arbitrary<string> = fc.oneof(
  scalar,
  objectOf(scalar),
  fc
    .tuple(fc.array(scalar, { maxLength: 3 }), pieces)
    .map(([all, style]) => `[${joined(all, style)}]`),
)

const lineEndings = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.boolean()).map(([one, crlf]) => (crlf ? one.replaceAll('\n', '\r\n') : one))

/** JSON with comments; `mcpServers`, where there is one, is an object. */
export const jsonDocument = lineEndings(
  fc
    .tuple(objectOf(value), fc.option(objectOf(objectOf(scalar))), pieces, fc.boolean())
    .map(([root, servers, { gaps }, isFirst]) => {
      const start = (gaps[0] ?? '') + (gaps[1] ?? '')
      const end = gaps[2] ?? ''
      if (servers === null) return start + root + end
      const member = `"mcpServers": ${servers}`
      const isEmpty = !/"/.test(root.replace(/\/\/.*|\/\*.*?\*\//g, ''))
      const open = isFirst && !isEmpty ? `{${member},` : `{${member}${isEmpty ? '' : ','}`
      return start + open + root.slice(1) + end
    })
    // A trailing comma alone, `{,}`, is no JSON of any kind.
    .filter((text) => !/\{\s*,/.test(text)),
)

const tomlLine = fc.constantFrom('', '# comment', '  # indented', '')
const tomlValue = fc.constantFrom(
  '1',
  '"text"',
  "'lit'",
  '[1, 2] # c',
  '"""\nmany\n[mcp_servers.sallyport]\n"""',
  '1979-05-27T07:32:00Z',
  '{ a = 1 }',
)
const tomlBody = fc
  .array(fc.tuple(tomlLine, fc.constantFrom('a', 'b-c', '"q r"', 'd'), tomlValue), { maxLength: 3 })
  .map((lines) =>
    unique(lines.map(([comment, name, one]) => [name, `${comment}\n${name} = ${one}\n`] as const))
      .map(([, text]) => text)
      .join(''),
  )

/** TOML as Codex has it, with or without other servers. */
export const tomlDocument = lineEndings(
  fc
    .tuple(
      tomlBody,
      fc.uniqueArray(
        fc.constantFrom('model', 'mcp_servers.other', 'mcp_servers."o t"', 'mcp_servers', 'tui.x'),
      ),
      fc.array(tomlBody, { minLength: 5, maxLength: 5 }),
      fc.boolean(),
    )
    .map(([root, headers, bodies, isEnded]) => {
      // A table may not be defined after what it holds was.
      const ordered = headers.sort()
      const tables = ordered.map((header, index) => `\n[${header}] # t\n${bodies[index] ?? ''}`)
      const text = root + tables.join('')
      return isEnded ? text : text.replace(/\n$/, '')
    }),
)

const yamlScalar = fc.constantFrom(
  '1',
  'true',
  'text',
  '"q: r"',
  "'it''s'",
  '~',
  '[1, 2]',
  '{q: 1}',
)
const yamlBlock = fc.constantFrom('|\n{}  block\n{}  # no comment\n', '>-\n{}  folded\n{}  more\n')
const yamlMember = (indent: string) =>
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'c d', '"e"', 'GOOSE_MODEL'),
      fc.oneof(yamlScalar, yamlBlock),
      fc.constantFrom('', `${indent}# c\n`, '\n'),
    )
    .map(([name, one, comment]) => {
      const isBlock = one.endsWith('\n')
      const text = isBlock ? one.replaceAll('{}', indent) : `${one} # t\n`
      return [name, `${comment}${indent}${name}: ${text}`] as const
    })
const yamlMap = (indent: string, minLength: number) =>
  fc.array(yamlMember(indent), { minLength, maxLength: 4 }).map((members) =>
    unique(members)
      .map(([, text]) => text)
      .join(''),
  )

/** YAML as Goose has it. */
export const yamlDocument = lineEndings(
  fc
    .tuple(
      yamlMap('', 0),
      fc.oneof(
        fc.constant(''),
        fc.constantFrom('extensions:\n', 'extensions: {}\n', 'extensions: {a: {b: 1}} # c\n'),
        fc
          .tuple(fc.constantFrom('  ', '    '), fc.constantFrom('', ' # c'))
          .chain(([indent, comment]) =>
            yamlMap(indent, 1).map((map) => `extensions:${comment}\n${map}`),
          ),
      ),
      yamlMap('', 0),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([before, extensions, after, isStarted, isEnded]) => {
      const tail = after.replace(/^(\s*#.*\n|\n)*(\S+|c d|"e"):/gm, '$1z$2:')
      const text = (isStarted ? '# head\n---\n' : '') + before + extensions + tail
      return isEnded ? text : text.replace(/\n+$/, '')
    }),
)
