import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bestTimeOf, growsBeyond } from '../fixtures/growth.ts'

// Nearly every regular expression meets text of somebody else: a header, a line of a program, a
// file. None may take more than a little longer for twice the text, whatever the text is. All are
// found by reading the source, so that a new one is measured as well.

const root = fileURLToPath(new URL('../../src/', import.meta.url))
const screened = 24_000
/** Between what three doublings cost: 8 times as much where it is linear, 64 where it is not. */
const limit = 24

const pieces = [
  'a',
  'Z',
  '7',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '"',
  "'",
  '`',
  '\\',
  '\\"',
  '-',
  '_',
  '.',
  ',',
  ';',
  '/',
  ':',
  '=',
  '<',
  '>',
  '@',
  '{',
  '[',
  '(',
  '#',
  '%',
  '&',
  '$',
  '|',
  '^',
  '~',
  '!',
  '+',
  '*',
  '\x01',
  '\u00e9',
  '\u200b',
  'a ',
  'a,',
  'a.',
  'a-',
  'a:',
  'a=',
  'a@',
  'a/',
  '"a',
  'a"',
  ' =',
  ', ',
  'a, ',
  '://',
  'a://',
  '<a',
  '${',
  '--',
  '\\a',
  '"\\"',
] as const

const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) =>
    literalsIn(readFileSync(join(root, path), 'utf8')).map((literal) => [path, literal] as const),
  )

describe('a regular expression takes time in proportion to its text', () => {
  it('and all of src/ are found', () => {
    expect(found.length).toBeGreaterThan(100)
    expect(found.map(([path]) => path)).toContain('lib/redact.ts')
  })

  it.each(found)('%s %s', (_path, literal) => {
    const expression = toExpression(literal)
    const growing = attacksOn(literal).find(
      (attack) =>
        // What is this fast, once, cannot be looking again from every sign.
        timeOf(expression, textOf(attack, screened), 1) > 8 &&
        growsBeyond(limit, () => growthOf(expression, attack)),
    )
    expect(growing).toBeUndefined()
  })
})

it('a regular expression that looks again from every sign is noticed', () => {
  expect(growthOf(/\w+:\/\//, { start: '', piece: 'a' }, 500)).toBeGreaterThan(limit)
})

interface Attack {
  readonly start: string
  readonly piece: string
}

/** Every piece after every word of the expression itself, and these words themselves. */
function attacksOn(literal: string): Attack[] {
  const words = [...new Set(literal.match(/[A-Za-z0-9_]{2,}|[-:/]{2,}/g) ?? [])].slice(0, 8)
  return ['', ...words].flatMap((start) =>
    [...pieces, ...words, ...words.map((word) => `${word} `)].map((piece) => ({ start, piece })),
  )
}

/** Something at the end that hardly any expression takes. */
function textOf({ start, piece }: Attack, length: number): string {
  return `${start}${piece.repeat(Math.ceil(length / piece.length))}\x01!`
}

/** How much longer eight times the text takes, at best. */
function growthOf(expression: RegExp, attack: Attack, length = 4_000): number {
  const once = textOf(attack, length)
  timeOf(expression, once)
  return timeOf(expression, textOf(attack, length * 8)) / timeOf(expression, once)
}

function timeOf(expression: RegExp, text: string, times?: number): number {
  return bestTimeOf(() => {
    expression.lastIndex = 0
    if (expression.global) text.replace(expression, '')
    else expression.test(text)
  }, times)
}

function toExpression(literal: string): RegExp {
  const end = literal.lastIndexOf('/')
  return new RegExp(literal.slice(1, end), literal.slice(end + 1))
}

function isExpression(text: string): boolean {
  try {
    return toExpression(text).source !== ''
  } catch {
    // A division, or markup in a template.
    return false
  }
}

/** The literals of a file: a slash opens one where no value stands before it. */
function literalsIn(source: string): string[] {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*|[\w$)\]}]+|\s+|[\s\S]/g
  const literals: string[] = []
  let before = ''
  for (let match = token.exec(source); match; match = token.exec(source)) {
    const [text] = match
    if (/^(?:\s|\/\/|\/\*)/.test(text)) continue
    const isSlash = text.startsWith('/')
    if (isSlash && text.length > 2 && !isValue(before) && isExpression(text)) literals.push(text)
    else if (isSlash && text.length > 1) token.lastIndex = match.index + 1
    if (text.startsWith('`')) literals.push(...placeholdersOf(text).flatMap(literalsIn))
    before = text
  }
  return [...new Set(literals)]
}

function placeholdersOf(template: string): string[] {
  return [...template.matchAll(/\$\{([^}]*\/[^}]*)\}/g)].map((match) => match[1] ?? '')
}

function isValue(token: string): boolean {
  return /[\w$)\]}'"`]$/.test(token) && !/^(?:return|typeof|case|in|of)$/.test(token)
}
