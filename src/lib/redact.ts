const replacement = 'REDACTED'

/** It takes long to find nothing like it, and most texts have no `_`. */
const joined = /\b[A-Za-z0-9]{20,}_[A-Za-z0-9]{10,}\b/g

/** What looks like a credential, whoever said it; group 1, where there is one, is kept. */
const credentialShapes: readonly RegExp[] = [
  // ngrok quotes the authtoken it refused.
  /((?:auth)?token(?: is)?\s*[:=]\s*["']?)[^\s"',}]+/gi,
  /((?:secret|password|authorization|api[-_]key)["']?\s*[:=]\s*["']?(?:bearer |basic )?)[^\s"',}]+/gi,
  /(\bbearer )[\w.~+/=-]{8,}/gi,
  /(:\/\/)[^\s/:@]+:[^\s/@]+(?=@)/g,
  // JSON in base64: a JWT, and the token of a Cloudflare tunnel.
  /\beyJ[\w=+/.-]{20,}/g,
  joined,
  // Keys that say by their beginning whose they are: OpenAI, Anthropic, GitHub, Slack, ours, AWS.
  /\b(?:sk|gh[opsur]|github_pat|xox[a-z]|glpat|hf|sallyport)[-_][\w-]{16,}/g,
  /\bAKIA[A-Z0-9]{12,}/g,
]
/** Text is cut before it is looked through, and a secret on the cut is found whole, characters. */
const longest = 4_000
const beyond = 1_000

const secretNames = /TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE|CREDENTIAL|^AUTHORIZATION$/i
// Shorter ones are words such as "true", and taking them out would make sentences unreadable.
const shortestSecret = 6

/** The values of settings whose names say that they are secret. */
export function secretValues(settings: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    value !== undefined && value.length >= shortestSecret && secretNames.test(name) ? [value] : [],
  )
}

/**
 * `text` without the given secrets, and without anything that looks like a credential; what is longer
 * than 4,000 characters is cut.
 */
export function redactSecrets(text: string, secrets: readonly string[] = []): string {
  // The longest first, as one secret may hold another.
  const known = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  const forms = known.flatMap((secret) => [secret, encodeURIComponent(secret)])
  const isCut = text.length > longest
  const looked = isCut ? text.slice(0, longest + beyond) : text
  const cleared = forms.reduce((rest, form) => rest.replaceAll(form, replacement), looked)
  const safe = withoutCredentials(cleared)
  return isCut ? `${safe.slice(0, longest)}…` : safe
}

/** `text`, of whatever length, without what looks like a credential. */
export function withoutCredentials(text: string): string {
  return credentialShapes.reduce((rest, shape) => {
    if (shape === joined && !rest.includes('_')) return rest
    return rest.replace(shape, (_, kept) => keptPart(kept) + replacement)
  }, text)
}

/** A replacer's second argument is the offset of the match where the pattern has no group. */
function keptPart(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
