import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'

/** Keys and indexes from the root of a document. */
type Path = readonly (string | number)[]

/** A document that was read, and where in its text things stand. */
export interface JsoncDocument {
  readonly value: unknown
  /** Line (from 1) of what a path names, or of the nearest thing around it that exists. */
  lineOf(path: Path): number
  /** Keys given twice in one object: JSON would silently keep the last. */
  readonly duplicates: readonly DuplicateKey[]
}

interface DuplicateKey {
  readonly path: Path
  readonly message: string
}

type JsoncResult =
  | { readonly ok: true; readonly document: JsoncDocument }
  | { readonly ok: false; readonly errors: readonly SyntaxProblem[] }

/** A place the text stops being JSON; line and column count from 1. */
export interface SyntaxProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Reads JSON with comments and trailing commas. */
export function parseJsonc(text: string): JsoncResult {
  const errors: ParseError[] = []
  const source = text.replace(/^\uFEFF/, '')
  const root = parseTree(source, errors, { allowTrailingComma: true })
  if (!root || errors.length > 0) return { ok: false, errors: syntaxProblems(source, errors) }
  const document: JsoncDocument = {
    value: getNodeValue(root),
    lineOf: (path) => positionOf(source, nearestNode(root, path).offset).line,
    duplicates: duplicateKeys(root, []),
  }
  return { ok: true, document }
}

const meanings: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is not JSON; names and texts stand in double quotes',
  InvalidNumberFormat: 'this is not a number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a ":" is missing before this',
  CommaExpected: 'a "," is missing before this',
  CloseBraceExpected: 'a "}" is missing here',
  CloseBracketExpected: 'a "]" is missing here',
  EndOfFileExpected: 'the file should end before this',
  UnexpectedEndOfComment: 'a comment is not closed',
  UnexpectedEndOfString: 'a text is not closed with a double quote',
  InvalidEscapeCharacter: 'a backslash is followed by a character that cannot be escaped',
  InvalidUnicode: 'a \\u escape needs four hexadecimal digits',
  InvalidCharacter: 'a text holds a control character such as a line break',
}

/** One mistake makes the parser stumble several times; the first of each line is the telling one. */
function syntaxProblems(source: string, errors: readonly ParseError[]): SyntaxProblem[] {
  if (source.trim() === '') return [{ line: 1, column: 1, message: 'the file is empty' }]
  const byLine = new Map<number, SyntaxProblem>()
  for (const { error, offset } of errors) {
    const position = positionOf(source, offset)
    const message = meanings[printParseErrorCode(error)] ?? printParseErrorCode(error)
    if (!byLine.has(position.line)) byLine.set(position.line, { ...position, message })
  }
  return [...byLine.values()].slice(0, 3)
}

function positionOf(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

function nearestNode(root: Node, path: Path): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length))
    if (node) return node.parent?.type === 'property' ? node.parent : node
  }
  return root
}

function duplicateKeys(node: Node, path: Path): DuplicateKey[] {
  const seen = new Set<string>()
  return (node.children ?? []).flatMap((child, index) => {
    const [key, value] = child.children ?? []
    if (child.type !== 'property') return duplicateKeys(child, [...path, index])
    if (!key || !value) return []
    const here = [...path, String(key.value)]
    const inner = duplicateKeys(value, here)
    if (!seen.has(key.value)) {
      seen.add(key.value)
      return inner
    }
    return [{ path: here, message: 'is given twice; keep one' }, ...inner]
  })
}
