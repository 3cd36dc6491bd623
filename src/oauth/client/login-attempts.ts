import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { zoneOfHost } from '../../lib/address-zone.ts'

const lifetimeMs = 10 * 60_000
/** Each holds a few hundred bytes; a person has a handful open. */
const maxAttempts = 200

/** Logins that are under way, each known by its `state`. Forgotten at a restart. */
export interface LoginAttempts<Attempt extends object> {
  /** The `state` to send (RFC 6749 10.12), and the cookie that ties it to this browser. */
  begin(attempt: Attempt, redirectUri: string): { state: string; setCookie: string }
  /** Takes the attempt out for good, whatever becomes of it. */
  take(state: string, cookieHeader: string | undefined): TakenAttempt<Attempt>
}

export type TakenAttempt<Attempt> =
  | { ok: true; attempt: Attempt; clearCookie: string }
  | { ok: false; reason: 'login-unknown' | 'login-expired' | 'other-browser' }

export function createLoginAttempts<Attempt extends object>(
  now: () => number,
): LoginAttempts<Attempt> {
  const open = new Map<string, { attempt: Attempt; cookie: Cookie; expiresAt: number }>()

  return {
    begin(attempt, redirectUri) {
      const state = randomBytes(32).toString('base64url')
      const cookie = createCookie(state, redirectUri)
      // A Map keeps the order of insertion: the oldest goes first.
      for (const oldest of open.keys()) {
        if (open.size < maxAttempts) break
        open.delete(oldest)
      }
      open.set(state, { attempt, cookie, expiresAt: now() + lifetimeMs })
      return { state, setCookie: setCookie(cookie, lifetimeMs / 1000) }
    },
    take(state, cookieHeader) {
      const entry = open.get(state)
      open.delete(state)
      if (!entry) return { ok: false, reason: 'login-unknown' }
      if (now() >= entry.expiresAt) return { ok: false, reason: 'login-expired' }
      if (!holdsCookie(cookieHeader, entry.cookie)) return { ok: false, reason: 'other-browser' }
      return { ok: true, attempt: entry.attempt, clearCookie: setCookie(entry.cookie, 0) }
    },
  }
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly secure: boolean
}

/** A cookie per attempt, so that two logins in one browser do not disturb each other. */
function createCookie(state: string, redirectUri: string): Cookie {
  const { protocol, hostname } = new URL(redirectUri)
  const secure = protocol === 'https:' || zoneOfHost(hostname) !== 'loopback'
  const id = createHash('sha256').update(state).digest('hex').slice(0, 16)
  // __Host-: no neighbour on a shared tunnel domain can set it for us. It needs https.
  const name = `${secure ? '__Host-' : ''}sallyport-login-${id}`
  return { name, value: randomBytes(32).toString('base64url'), secure }
}

function setCookie({ name, value, secure }: Cookie, maxAge: number): string {
  // Lax, not Strict: the authorization server's redirect is a navigation from another site.
  const flags = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${secure ? '; Secure' : ''}`
  return `${name}=${maxAge === 0 ? '' : value}; ${flags}`
}

function holdsCookie(header: string | undefined, { name, value }: Cookie): boolean {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim())
  const given = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  return timingSafeEqual(digest(given), digest(value))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
