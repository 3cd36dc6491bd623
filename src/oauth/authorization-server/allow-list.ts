/** Who somebody is, as a sign-in provider says. */
export interface Identity {
  /** Name of the provider in the configuration, such as `github`. */
  readonly provider: string
  /** What the provider never gives to somebody else, as it may a login or an address. */
  readonly id: string
  /** Only GitHub has logins. */
  readonly login: string | undefined
  /** Addresses the provider has verified. */
  readonly verifiedEmails: readonly string[]
}

/**
 * Whether somebody is on the list (`AUTH_ALLOW`): an address (`alice@example.com`), every address of
 * a domain (`@example.com`), or a login (`github:alice`). An empty list allows nobody.
 */
export function isAllowed(list: readonly string[], identity: Identity): boolean {
  const names = namesOf(identity)
  return list.some((entry) => names.includes(entry.trim().toLowerCase()))
}

/** The subject of tokens that this person allowed: the same for the same person, and for nobody else. */
export function accountOf({ provider, id }: Identity): string {
  return `${provider}:${id}`
}

/** The name that is shown and written down: a login, or the first address. */
export function displayName({ provider, login, verifiedEmails }: Identity): string {
  return `${provider}:${login ?? verifiedEmails[0] ?? 'unknown'}`
}

/** Everything a list may say to mean this person. */
function namesOf({ provider, login, verifiedEmails }: Identity): string[] {
  const addresses = verifiedEmails.map((email) => email.toLowerCase()).filter(isAddress)
  const domains = addresses.map((email) => email.slice(email.lastIndexOf('@')))
  const logins = login ? [`${provider}:${login}`.toLowerCase()] : []
  return [...addresses, ...domains, ...logins]
}

function isAddress(email: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(email)
}
