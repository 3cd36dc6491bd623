import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { zoneOfHost } from '../../lib/hosts.ts'

/** How long a login may take, and how long its link can be followed, ms. */
const attemptMs = 10 * 60_000
const ticketMs = 60 * 60_000
/** Each holds a few hundred bytes; a person has a handful open. */
const maxAttempts = 200

type TakenAttempt<Attempt> =
  | { ok: true; attempt: Attempt; clearCookie: string }
  | { ok: false; reason: 'login-unknown' | 'login-expired' | 'other-browser' }

export type LoginAttempts<Attempt extends object> = ReturnType<typeof createLoginAttempts<Attempt>>

/** Logins that are under way, each known by its `state`. Forgotten at a restart. */
export function createLoginAttempts<Attempt extends object>(now: () => number) {
  const open = new Map<string, { attempt: Attempt; cookie: Cookie; expiresAt: number }>()

  return {
    /** The `state` to send (RFC 6749 10.12), and the cookie that ties it to this browser. */
    begin(attempt: Attempt, redirectUri: string): { state: string; setCookie: string } {
      const state = randomBytes(32).toString('base64url')
      const cookie = createCookie(state, redirectUri)
      // A Map keeps the order of insertion: the oldest goes first.
      for (const oldest of open.keys()) {
        if (open.size < maxAttempts) break
        open.delete(oldest)
      }
      open.set(state, { attempt, cookie, expiresAt: now() + attemptMs })
      return { state, setCookie: setCookie(cookie, attemptMs / 1000) }
    },
    /** Takes the attempt out for good, whatever becomes of it. */
    take(state: string, cookieHeader: string | undefined): TakenAttempt<Attempt> {
      const entry = open.get(state)
      open.delete(state)
      if (!entry) return { ok: false, reason: 'login-unknown' }
      if (now() >= entry.expiresAt) return { ok: false, reason: 'login-expired' }
      if (!holdsCookie(cookieHeader, entry.cookie)) return { ok: false, reason: 'other-browser' }
      return { ok: true, attempt: entry.attempt, clearCookie: setCookie(entry.cookie, 0) }
    },
  }
}

/**
 * What a login link carries so that only those who were given it can begin a login: the gateway may
 * be reachable by anybody, and a stranger must not connect an account of theirs to it.
 */
export function createLoginTickets(now: () => number) {
  const tickets = new Map<string, { ticket: string; expiresAt: number }>()
  const current = (server: string) => {
    const entry = tickets.get(server)
    return entry && now() < entry.expiresAt ? entry.ticket : undefined
  }
  return {
    /** The server's ticket, which lasts an hour from the last time it was issued. */
    issue(server: string): string {
      const ticket = current(server) ?? randomBytes(24).toString('base64url')
      tickets.set(server, { ticket, expiresAt: now() + ticketMs })
      return ticket
    },
    isValid(server: string, ticket: string): boolean {
      const expected = current(server)
      return expected !== undefined && isSame(ticket, expected)
    },
    /** Ends the server's ticket: the login it was for is done. */
    end(server: string): void {
      tickets.delete(server)
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
  const id = hash('sha256', state).slice(0, 16)
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
  return isSame(given, value)
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))
}
