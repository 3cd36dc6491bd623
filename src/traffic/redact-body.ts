import { withoutCredentials } from '../lib/redact.ts'

/** What stands in the place of a secret. */
export const replacement = 'REDACTED'
/**
 * What is kept of a body, characters.
 * @internal
 */
export const longestBody = 64 * 1024
/** A secret on the cut is found whole. */
const beyond = 4 * 1024
/** JSON in a string in JSON, and so on; what is deeper is left out whole. */
const deepest = 6

/** A body as it is kept: without secrets, and cut where it is long. */
export interface KeptBody {
  /** Of the whole body. */
  readonly bytes: number
  readonly text: string
  readonly isCut: boolean
}

export interface Secrets extends SecretNames {
  /** Values that are secret wherever they are. */
  readonly values: readonly string[]
}

export interface SecretNames {
  /** Whether a field of that name holds a secret. */
  readonly isSecretName: (name: string) => boolean
  /** False where a text has no such field for certain, which is seen at once. */
  readonly mayHaveFields: (text: string) => boolean
}

/** Names of fields whose values are secrets, in small letters and without `_` and `-`. */
const secretName =
  /(token|password|passwd|passphrase|secret|authorization|apikey|privatekey|accesskey|credentials?|cookie)$/
/** Named like a token, and none: what is a page's, or a call's own. */
const plainName = /^(progress|nextpage|page|continuation|cancellation|sync)token$/

/** What most texts are without; an escape may spell any of it. */
const trace =
  /token|passw|passphrase|secret|authoriz|api.?key|private.?key|access.?key|credential|cookie|\\u/i

/** @param more further names, however they are written */
export function secretNames(more: readonly string[] = []): SecretNames {
  const further = new Set(more.map(plain))
  const known = new Map<string, boolean>()
  return {
    mayHaveFields: (text) => further.size > 0 || trace.test(text),
    isSecretName(name) {
      const cached = known.get(name)
      if (cached !== undefined) return cached
      const short = plain(name)
      const isSecret = further.has(short) || (secretName.test(short) && !plainName.test(short))
      // Names come from others, without end.
      if (known.size < 1_000 && name.length < 100) known.set(name, isSecret)
      return isSecret
    },
  }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-\s.]/g, '')
}

/** What is kept of a text that passed. JSON stays as it was written but for its secrets. */
export function keepBody(text: string, secrets: Secrets): KeptBody {
  const isCut = text.length > longestBody
  const looked = isCut ? text.slice(0, longestBody + beyond) : text
  const safe = redact(looked, secrets)
  return {
    bytes: Buffer.byteLength(text),
    text: isCut ? safe.slice(0, longestBody) : safe,
    isCut,
  }
}

function redact(text: string, secrets: Secrets): string {
  const fields = secrets.mayHaveFields(text) ? redactFields(text, secrets, 0) : text
  return withoutCredentials(withoutValues(fields, secrets.values))
}

/** As they are, as JSON writes them, and as a URL does. */
function withoutValues(text: string, values: readonly string[]): string {
  let safe = text
  for (const value of values) {
    const inJson = JSON.stringify(value).slice(1, -1)
    const twice = JSON.stringify(inJson).slice(1, -1)
    for (const form of new Set([value, inJson, twice, encodeURIComponent(value)])) {
      safe = safe.replaceAll(form, replacement)
    }
  }
  return safe
}

/** A string that ends or is cut, whatever opens or closes, and what is between. */
const token = /"(?:[^"\\]|\\.?)*(?:"|$)|[{}[\],:]|[^\s"{}[\],:]+|\s+/gsy

/**
 * The values of secret fields, in text that may be cut, or JSON only in parts: it is read token by
 * token, and whatever follows a secret name goes, with all that is inside.
 */
function redactFields(text: string, secrets: Secrets, depth: number): string {
  const out: string[] = []
  let last: string | undefined
  let isSecret = false
  let inside = 0
  for (const [part] of text.matchAll(token)) {
    const isBlank = /^\s/.test(part)
    if (inside > 0) {
      if (part === '{' || part === '[') inside += 1
      if (part === '}' || part === ']') inside -= 1
      continue
    }
    if (isSecret && !isBlank) {
      isSecret = false
      out.push(`"${replacement}"`)
      if (part === '{' || part === '[') inside = 1
      last = undefined
      continue
    }
    if (part === ':' && last !== undefined) isSecret = secrets.isSecretName(unquoted(last))
    if (!isBlank) last = part.startsWith('"') ? part : undefined
    out.push(part.startsWith('"') ? redactString(part, secrets, depth) : part)
  }
  return out.join('')
}

function unquoted(part: string): string {
  if (!part.includes('\\')) return part.slice(1, -1)
  try {
    return JSON.parse(part) as string
  } catch {
    // Whatever reads it will not read a name either.
    return part
  }
}

/** A string may hold JSON itself, as the text of a result often does. */
function redactString(part: string, secrets: Secrets, depth: number): string {
  if (!/[{[]/.test(part) || !part.includes('\\"')) return part
  if (depth >= deepest) return `"${replacement}"`
  const isWhole = part.endsWith('"') && part.length > 1
  try {
    const inner = JSON.parse(isWhole ? part : `${part.replace(/\\[^"]{0,5}$/, '')}"`) as string
    const safe = redactFields(inner, secrets, depth + 1)
    if (safe === inner) return part
    const written = JSON.stringify(safe)
    return isWhole ? written : written.slice(0, -1)
  } catch {
    // No JSON string after all, so nobody can say what is in it.
    return `"${replacement}"`
  }
}
