/**
 * Whether a URI may come from a template (RFC 6570), decided in one pass over both: the literals of the
 * template have to stand in the URI in their order. Looser than an expansion, never slower than linear.
 */
export function fitsTemplate(template: string, uri: string): boolean {
  const literals = template.split(/\{[^{}]*\}/)
  if (literals.length === 1) return template === uri
  const last = literals.pop() ?? ''
  const [first = '', ...between] = literals
  if (!uri.startsWith(first) || !uri.endsWith(last)) return false
  let at = first.length
  for (const literal of between) {
    const found = uri.indexOf(literal, at)
    if (found === -1) return false
    at = found + literal.length
  }
  return at <= uri.length - last.length
}
