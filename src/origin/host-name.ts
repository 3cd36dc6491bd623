/** An origin's host as a `Host` header carries it: lower case, without a default port. */
export function hostOf(origin: string): string {
  return new URL(origin).host
}

/** Puts a `Host` header into the form of {@link hostOf}; undefined when it is no host at all. */
export function normalizeHost(header: string | undefined, scheme: 'http' | 'https') {
  if (!header || /[\s/@\\?#]/.test(header)) return undefined
  try {
    return new URL(`${scheme}://${header}`).host
  } catch {
    return undefined
  }
}
