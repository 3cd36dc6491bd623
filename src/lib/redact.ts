const replacement = 'REDACTED'

/** What looks like a credential, whoever said it; group 1, where there is one, is kept. */
const credentialShapes: readonly RegExp[] = [
  // ngrok quotes the authtoken it refused.
  /((?:auth)?token(?: is)?\s*[:=]\s*["']?)[^\s"',}]+/gi,
  /((?:secret|password|authorization|api[-_]key)["']?\s*[:=]\s*["']?(?:bearer |basic )?)[^\s"',}]+/gi,
  /(\bbearer )[\w.~+/=-]{8,}/gi,
  /(\w+:\/\/)[^\s/:@]+:[^\s/@]+(?=@)/g,
  // JSON in base64: a JWT, and the token of a Cloudflare tunnel.
  /\beyJ[\w=+/.-]{20,}/g,
  /\b[A-Za-z0-9]{20,}_[A-Za-z0-9]{10,}\b/g,
]

/** `text` without the given secrets, and without anything that looks like a credential. */
export function redactSecrets(text: string, secrets: readonly string[] = []): string {
  // The longest first, as one secret may hold another.
  const known = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  const forms = known.flatMap((secret) => [secret, encodeURIComponent(secret)])
  const cleared = forms.reduce((rest, form) => rest.replaceAll(form, replacement), text)
  return credentialShapes.reduce(
    (rest, shape) => rest.replace(shape, (_, kept) => keptPart(kept) + replacement),
    cleared,
  )
}

/** A replacer's second argument is the offset of the match where the pattern has no group. */
function keptPart(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
