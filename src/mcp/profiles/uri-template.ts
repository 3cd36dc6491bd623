/** Text that must be there, or what a variable may be expanded to (RFC 6570). */
type Part =
  | { readonly literal: string }
  /** One or more characters, none of them among these. */
  | { readonly without: string }

/**
 * Whether a URI may be an expansion of a template, as MCP servers match them: a simple variable is a
 * segment of a path. A malformed template fits nothing. All ways to match are followed at once, so
 * there is none to go back to: the time is that of the URI's length times that of the template.
 */
export function matchesTemplate(template: string, uri: string): boolean {
  const parts = parseTemplate(template)
  if (!parts) return false
  // Every place in the URI up to which the parts so far may reach.
  let places = new Uint8Array(uri.length + 1)
  places[0] = 1
  for (const part of parts) {
    places = 'literal' in part ? afterText(places, uri, part) : afterVariable(places, uri, part)
  }
  return places[uri.length] === 1
}

function afterText(places: Uint8Array<ArrayBuffer>, uri: string, { literal }: { literal: string }) {
  const next = new Uint8Array(places.length)
  for (let at = uri.indexOf(literal); at !== -1; at = uri.indexOf(literal, at + 1)) {
    if (places[at] === 1) next[at + literal.length] = 1
  }
  return next
}

function afterVariable(
  places: Uint8Array<ArrayBuffer>,
  uri: string,
  { without }: { without: string },
) {
  const next = new Uint8Array(places.length)
  let isInside = false
  for (let at = 0; at < uri.length; at += 1) {
    isInside = (isInside || places[at] === 1) && !without.includes(uri.charAt(at))
    if (isInside) next[at + 1] = 1
  }
  return next
}

const operators = '+#./?&'

function parseTemplate(template: string): Part[] | undefined {
  const parts: Part[] = []
  let at = 0
  while (at < template.length) {
    const open = template.indexOf('{', at)
    const end = open === -1 ? template.length : open
    if (end > at) parts.push({ literal: template.slice(at, end) })
    if (open === -1) break
    const close = template.indexOf('}', open)
    if (close === -1) return undefined
    parts.push(...expressionParts(template.slice(open + 1, close)))
    at = close + 1
  }
  return parts
}

function expressionParts(expression: string): Part[] {
  const first = expression.charAt(0)
  const operator = first !== '' && operators.includes(first) ? first : ''
  const isList = /[*,]/.test(expression)
  switch (operator) {
    case '?':
    case '&':
      return queryParts(operator, expression.slice(1))
    case '+':
    case '#':
      return [{ without: '\n\r\u2028\u2029' }]
    case '.':
      return [{ literal: '.' }, { without: '/,' }]
    case '/':
      return [{ literal: '/' }, { without: isList ? '/' : '/,' }]
    default:
      return [{ without: isList ? '/' : '/,' }]
  }
}

function queryParts(operator: '?' | '&', names: string): Part[] {
  const known = names
    .split(',')
    .map((name) => name.replace('*', '').trim())
    .filter((name) => name !== '')
  return known.flatMap((name, index) => [
    { literal: `${index === 0 ? operator : '&'}${name}=` },
    { without: '&' },
  ])
}
