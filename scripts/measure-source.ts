import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

// How finely src/ is cut, with mcp/ and without: what a reader pays in files, imports and long functions.

const root = fileURLToPath(new URL('../', import.meta.url))
const longestAllowed = 120

interface MeasuredFile {
  /** Relative to src/. */
  readonly path: string
  readonly lines: number
  readonly importLines: number
  readonly imports: readonly string[]
  readonly functions: readonly MeasuredFunction[]
}

interface MeasuredFunction {
  readonly name: string
  readonly lines: number
}

const files = measureSource()
const whole = summarize(files)
const part = summarize(files.filter(({ path }) => !path.startsWith('mcp/')))

printTable(
  ['', 'src/ without mcp/', 'src/'],
  part.map(([label, value], row) => [label, value, whole[row]?.[1] ?? '']),
)
printTable(['room', 'files', 'lines', 'median file', 'one importer'], rooms(files))
printLong(files)

function measureSource(): MeasuredFile[] {
  const api = new API({ cwd: root })
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${root}tsconfig.json`] })
    const [project] = snapshot.getProjects()
    if (!project) throw new Error('tsconfig.json names no project')
    return project.rootFiles
      .filter((path) => path.startsWith(`${root}src/`))
      .map((path) => project.program.getSourceFile(path))
      .filter((file) => file !== undefined)
      .map(measureFile)
  } finally {
    api.close()
  }
}

function measureFile(file: SourceFile): MeasuredFile {
  const imports = file.statements.filter(({ kind }) => kind === SyntaxKind.ImportDeclaration)
  const functions: MeasuredFunction[] = []
  const visit = (node: Node): void => {
    const name = nameOfFunction(node)
    if (name !== undefined) functions.push({ name, lines: linesOf(file, node) })
    node.forEachChild(visit)
  }
  visit(file)
  return {
    path: relative(`${root}src`, file.fileName),
    lines: file.text.split('\n').length - 1,
    importLines: sum(imports.map((node) => linesOf(file, node))),
    imports: file.imports.flatMap((node) => importedPath(file, node)),
    functions,
  }
}

/** Declarations, methods, and what an expression assigns to a name; a callback is its caller's. */
function nameOfFunction(node: Node): string | undefined {
  const named = node as Node & { name?: Node; initializer?: Node; body?: Node }
  switch (node.kind) {
    case SyntaxKind.FunctionDeclaration:
    case SyntaxKind.MethodDeclaration:
    case SyntaxKind.Constructor:
      return named.body && (named.name?.getText() ?? 'constructor')
    case SyntaxKind.VariableDeclaration:
    case SyntaxKind.PropertyAssignment:
    case SyntaxKind.PropertyDeclaration:
      return isFunctionExpression(named.initializer) ? named.name?.getText() : undefined
    default:
      return undefined
  }
}

function isFunctionExpression(node: Node | undefined): boolean {
  return node?.kind === SyntaxKind.ArrowFunction || node?.kind === SyntaxKind.FunctionExpression
}

function linesOf(file: SourceFile, node: Node): number {
  const lineAt = (position: number): number => file.getLineAndCharacterOfPosition(position).line
  return lineAt(node.getEnd()) - lineAt(node.getStart()) + 1
}

function importedPath(file: SourceFile, node: Node): string[] {
  const specifier = node.getText().slice(1, -1)
  if (!specifier.startsWith('.')) return []
  return [relative(`${root}src`, fileURLToPath(new URL(specifier, `file://${file.fileName}`)))]
}

function summarize(chosen: readonly MeasuredFile[]): [label: string, value: string][] {
  const sizes = chosen.map(({ lines }) => lines)
  const lines = sum(sizes)
  const functions = chosen.flatMap((file) => file.functions.map((one) => one.lines))
  const imports = sum(chosen.map(({ importLines }) => importLines))
  return [
    ['lines', String(lines)],
    ['files', String(chosen.length)],
    ['lines a file: median / p90 / max', spread(sizes, [0.5, 0.9, 1])],
    ['import lines', `${((100 * imports) / lines).toFixed(1)} %`],
    ['files with exactly one importer', String(withOneImporter(chosen))],
    ['functions', String(functions.length)],
    ['lines a function: p90 / p99 / max', spread(functions, [0.9, 0.99, 1])],
    [
      `functions over ${longestAllowed} lines`,
      String(functions.filter((length) => length > longestAllowed).length),
    ],
  ]
}

function rooms(all: readonly MeasuredFile[]): string[][] {
  const byRoom = Map.groupBy(all, ({ path }) => path.split('/')[0] ?? path)
  return [...byRoom]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([room, chosen]) => {
      const sizes = chosen.map(({ lines }) => lines)
      return [room, chosen.length, sum(sizes), spread(sizes, [0.5]), withOneImporter(chosen)]
    })
    .map((cells) => cells.map(String))
}

/** Whoever imports it may be anywhere in src/. */
function withOneImporter(chosen: readonly MeasuredFile[]): number {
  const importers = Map.groupBy(
    files.flatMap(({ path, imports }) => [...new Set(imports)].map((target) => ({ path, target }))),
    ({ target }) => target,
  )
  return chosen.filter(({ path }) => importers.get(path)?.length === 1).length
}

function spread(values: readonly number[], ranks: readonly number[]): string {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (rank: number): number => sorted[Math.ceil(rank * sorted.length) - 1] ?? 0
  return ranks.map(at).join(' / ')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function printLong(all: readonly MeasuredFile[]): void {
  const long = all.flatMap(({ path, functions }) =>
    functions
      .filter(({ lines }) => lines > longestAllowed)
      .map(({ name, lines }) => [name, String(lines), `src/${path}`]),
  )
  if (long.length > 0) printTable([`over ${longestAllowed} lines`, 'lines', 'file'], long)
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  for (const row of all) {
    console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  }
  console.log()
}
