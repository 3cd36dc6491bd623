import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

// What ARCHITECTURE.md promises about src/, and docs/testing.md about test/, held by reading them.

const root = fileURLToPath(new URL('../src/', import.meta.url))

/** From the leaves up: a layer imports itself and what stands below it. */
const layers: readonly (readonly string[])[] = [
  ['errors.ts', 'gateway-events.ts', 'lib'],
  ['config', 'editing', 'store', 'origin'],
  ['tls', 'tunnels', 'mcp', 'oauth', 'clients', 'traffic'],
  ['doctor'],
  ['http', 'welcome'],
  ['gateway'],
  ['gateway.ts'],
  ['cli'],
]

/** Slices of one layer that must not know each other; what one needs of another is handed in. */
const strangers: readonly string[] = layers[2] ?? []

interface SourceFile {
  readonly path: string
  readonly room: string
  readonly text: string
  readonly imports: readonly string[]
}

const files: readonly SourceFile[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, room: roomOf(path), text, imports: importsOf(path, text) }
  })

function roomOf(path: string): string {
  return path.split('/')[0] ?? path
}

function importsOf(path: string, text: string): string[] {
  const statements = text.matchAll(/(?:^|\n)(?:import|export)\b[^'"]*?from\s+'(\.[^']+)'/g)
  const dynamic = text.matchAll(/\bimport\(\s*'(\.[^']+)'\s*\)/g)
  return [...statements, ...dynamic]
    .map((match) => relative(root, resolve(root, dirname(path), match[1] ?? '')))
    .filter((imported) => !imported.startsWith('..'))
}

function layerOf(room: string): number {
  return layers.findIndex((layer) => layer.includes(room))
}

describe('src/', () => {
  it('has only rooms that ARCHITECTURE.md knows', () => {
    expect(files.map(({ room }) => room).filter((room) => layerOf(room) < 0)).toEqual([])
  })

  it('imports one way', () => {
    const wrong = files.flatMap(({ path, room, imports }) =>
      imports
        .filter((imported) => layerOf(roomOf(imported)) > layerOf(room))
        .map((imported) => `${path} imports ${imported}`),
    )
    expect(wrong).toEqual([])
  })

  it('keeps the slices of the middle apart', () => {
    const wrong = files.flatMap(({ path, room, imports }) =>
      imports
        .filter((imported) => strangers.includes(room) && strangers.includes(roomOf(imported)))
        .filter((imported) => roomOf(imported) !== room)
        .map((imported) => `${path} imports ${imported}`),
    )
    expect(wrong).toEqual([])
  })

  it('has no import cycle', () => {
    expect(findCycle()).toBeUndefined()
  })

  it.each([
    // The command line also looks at NO_COLOR and its like, and puts APP_URL where children see it.
    [
      'touches the environment',
      /\bprocess\.env\b/,
      ['config/load.ts', 'cli/main.ts', 'cli/commands/dev-events.ts'],
    ],
    ['ends the process', /\bprocess\.exit\(/, ['cli/main.ts']],
    ['prints', /\bconsole\.\w+\(/, []],
    [
      'decides whether certificates are verified',
      /rejectUnauthorized/,
      [
        // Looks at a chain without verifying it, and sends nothing.
        'tls/observe-tls.ts',
        // `insecureSkipVerify` of a server, as far as decideVerification allows it.
        'tls/upstream/upstream-connections.ts',
      ],
    ],
  ])('%s in one place only', (_what, pattern, allowed: readonly string[]) => {
    const found = files.filter(({ text }) => pattern.test(withoutComments(text)))
    expect(found.map(({ path }) => path).filter((path) => !allowed.includes(path))).toEqual([])
  })

  it('has no barrels', () =>
    expect(files.filter(({ path }) => path.endsWith('index.ts'))).toEqual([]))
})

describe('test/', () => {
  const folder = fileURLToPath(new URL('./', import.meta.url))
  // What CI runs beside the tests (`*.main.ts`) says how long it took, and asserts nothing of it.
  const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== 'architecture.test.ts')
    .map((path) => ({ path, text: withoutComments(readFileSync(join(folder, path), 'utf8')) }))
    .filter(({ text }) => /\bexpect\(/.test(text))

  it.each([
    // A busy machine is slow: what never happens meets the deadline of the test, of a poll or of `until`.
    [
      'measures time',
      /\bperformance\.now\(|\bhrtime\b|expect\([^;\n]*(?:Date\.now\(\) -|- Date\.now\(\))/,
    ],
    [
      'has a deadline of its own',
      /\bvi\.wait(?:For|Until)\(|\.poll\([^;]*\btimeout:|^ *\}, \d+_\d{3}\)$|\{ timeout: \d+_\d{3} \}, async/m,
    ],
    ['asserts that something is quick', /settlesWithin\([^;]*\)\)\.toBe\(true\)/],
    ['listens on a fixed port', /\blisten\(\s*(?:\{[^}]*\bport: )?[1-9]/],
    [
      'starts a gateway on a fixed port',
      /^(?=[\s\S]*\b(?:startTestGateway|spawn)\()[\s\S]*\b(?:https?Port|(?:HTTPS_)?PORT): '?[1-9]/,
    ],
  ])('%s nowhere', (_what, pattern) => {
    // Growth is told by comparing a time with another of the same run.
    const found = tests.filter(
      ({ path, text }) => path !== 'fixtures/growth.ts' && pattern.test(text),
    )
    expect(found.map(({ path }) => path)).toEqual([])
  })
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function findCycle(): string | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' -> ')
    if (done.has(path)) return undefined
    for (const next of byPath.get(path)?.imports ?? []) {
      const cycle = visit(next, [...trail, path])
      if (cycle) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const { path } of files) {
    const cycle = visit(path, [])
    if (cycle) return cycle
  }
  return undefined
}
