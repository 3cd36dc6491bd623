import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { createSerial } from '../../lib/serial.ts'
import type { Store } from '../../store/store.ts'
import type { HttpEnv } from '../http-env.ts'

/** How long a link may be followed, and how long the session it opens lasts, ms. */
const linkMs = 10 * 60_000
const sessionMs = 12 * 60 * 60_000
/** More browsers than one owner has. */
const maxSessions = 20

/** An admin session as it is named in audits; the cookie that proves it is not kept. */
export interface AdminSession {
  readonly id: string
}

/**
 * Who may use the admin page: whoever followed a link that was printed on the terminal. The store has
 * hashes only. A command beside the gateway issues links, the gateway redeems them.
 */
export interface AdminSessions {
  /** A secret that opens one session; it replaces the one before. */
  issueLink(): Promise<{ secret: string; expiresAt: number }>
  /** The value of a new session's cookie; undefined when the link is over, was used, or is none. */
  redeem(secret: string): Promise<string | undefined>
  verify(cookie: string): Promise<AdminSession | undefined>
}

interface Link {
  readonly hash: string
  readonly expiresAt: number
}

/** End of each session, ms since the epoch, by the hash of its cookie. */
type Sessions = Readonly<Record<string, number>>

const collection = 'admin'

export function createAdminSessions(options: { store: Store; now: () => number }): AdminSessions {
  const { store, now } = options
  const serial = createSerial()

  async function liveSessions(): Promise<[hash: string, expiresAt: number][]> {
    const stored = ((await store.get(collection, 'sessions')) ?? {}) as Sessions
    return Object.entries(stored).filter(([, expiresAt]) => expiresAt > now())
  }

  async function takeLink(secret: string): Promise<boolean> {
    const link = (await store.get(collection, 'link')) as Link | undefined
    if (!link || link.expiresAt <= now() || !isSame(hashOf(secret), link.hash)) return false
    await store.delete(collection, 'link')
    return true
  }

  async function redeemNext(secret: string): Promise<string | undefined> {
    if (!(await takeLink(secret))) return undefined
    const cookie = randomBytes(32).toString('base64url')
    const kept = (await liveSessions()).slice(1 - maxSessions)
    const sessions: Sessions = Object.fromEntries([...kept, [hashOf(cookie), now() + sessionMs]])
    await store.set(collection, 'sessions', sessions)
    return cookie
  }

  return {
    async issueLink() {
      const secret = randomBytes(32).toString('base64url')
      const link: Link = { hash: hashOf(secret), expiresAt: now() + linkMs }
      await store.set(collection, 'link', link)
      return { secret, expiresAt: link.expiresAt }
    },
    // One at a time, so that of two requests with the same link one finds it used.
    redeem: (secret) => serial(() => redeemNext(secret)),
    async verify(cookie) {
      const hash = hashOf(cookie)
      const found = (await liveSessions()).some(([known]) => isSame(known, hash))
      return found ? { id: hash.slice(0, 8) } : undefined
    },
  }
}

/** The only parts of the site that get to see the cookie. */
const cookiePaths = ['/admin', '/api/admin']

export function setAdminCookie<E extends HttpEnv>(c: Context<E>, value: string): void {
  const origin = c.get('origin')
  for (const path of cookiePaths) {
    setCookie(c, cookieName(origin), value, {
      path,
      httpOnly: true,
      sameSite: 'Strict',
      secure: origin.startsWith('https:'),
      maxAge: sessionMs / 1000,
    })
  }
}

export function readAdminCookie<E extends HttpEnv>(c: Context<E>): string | undefined {
  return getCookie(c, cookieName(c.get('origin')))
}

/** Cookies know no ports (RFC 6265 8.5), and several gateways may run on one machine. */
function cookieName(origin: string): string {
  return `sallyport_admin_${new URL(origin).port}`
}

/** SHA-256 is enough for 256 random bits. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}
