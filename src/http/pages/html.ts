import { html as escaping } from 'hono/html'
import { printable } from '../../lib/printable.ts'

/** Something `html` made: escaped, and ready to be put into another template. */
export type Markup = ReturnType<typeof escaping>

/** Hono's template, into which text that others chose is put so that it cannot hide or turn around. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return escaping(strings, ...values.map(shown))
}

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown)
  return typeof value === 'string' ? printable(value) : value
}
