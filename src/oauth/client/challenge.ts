import { splitScope } from './scopes.ts'

/** What a refusal says about how to be let in (RFC 6750 section 3, RFC 9728 section 5.1). */
export interface BearerChallenge {
  readonly resourceMetadata: string | undefined
  /** Undefined when the challenge names none. */
  readonly scopes: readonly string[] | undefined
  readonly error: string | undefined
}

// RFC 9110 11.2: a parameter is a token or a quoted string with escapes.
const parameter =
  /(?<![\w!#$%&'*+.^`|~-])([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g

/** Reads the Bearer challenge out of a WWW-Authenticate value; empty when there is none. */
export function parseChallenge(header: string | undefined): BearerChallenge {
  const found = new Map<string, string>()
  for (const [, name = '', quoted, plain = ''] of bearerPart(header ?? '').matchAll(parameter)) {
    const value = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1')
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value)
  }
  const scopes = splitScope(found.get('scope'))
  return {
    resourceMetadata: found.get('resource_metadata'),
    scopes: scopes.length > 0 ? scopes : undefined,
    error: found.get('error'),
  }
}

/** From the Bearer scheme to the next scheme, as one field may carry several challenges. */
function bearerPart(header: string): string {
  // Quoted text is blanked at equal length, so that a scheme's name in it is not taken for one.
  const outline = header.replace(/"(?:[^"\\]|\\.?)*(?:"|$)/gs, (text) =>
    '"'.padEnd(text.length, '"'),
  )
  const start = /(?:^|,)\s*bearer(?=\s|,|$)/i.exec(outline)
  if (!start) return ''
  const from = start.index + start[0].length
  const next = /,\s*[\w!#$%&'*+.^`|~-]+(?:\s+[\w!#$%&'*+.^`|~-]+\s*=|\s*(?:,|$))/.exec(
    outline.slice(from),
  )
  return header.slice(from, next ? from + next.index : undefined)
}
