import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
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

interface Link {
  readonly hash: string
}

/** Of the link. */
const place = ['admin', 'link'] as const
/** By the hash of their cookies. */
const sessions = 'admin-sessions'

export type AdminSessions = ReturnType<typeof createAdminSessions>

/**
 * Who may use the admin page: whoever followed a link that was printed on the terminal. The store has
 * hashes only. A command beside the gateway issues links, the gateway redeems them.
 */
export function createAdminSessions({ store, now }: { store: Store; now: () => number }) {
  /** Of two requests with the same link, one finds it used. */
  function takeLink(secret: string): Promise<boolean> {
    return store.transaction(async (documents) => {
      const link = (await documents.get(...place)) as Link | undefined
      if (!link || !isSame(hashOf(secret), link.hash)) return false
      await documents.delete(...place)
      return true
    })
  }

  async function add(): Promise<string> {
    const cookie = randomBytes(32).toString('base64url')
    await store.set(sessions, hashOf(cookie), {}, { expiresAt: now() + sessionMs })
    await store.trim(sessions, maxSessions)
    return cookie
  }

  return {
    /** A secret that opens one session; it replaces the one before. */
    async issueLink() {
      const secret = randomBytes(32).toString('base64url')
      const expiresAt = now() + linkMs
      const link: Link = { hash: hashOf(secret) }
      await store.set(...place, link, { expiresAt })
      return { secret, expiresAt }
    },
    /** The value of a new session's cookie; undefined when the link is over, was used, or is none. */
    redeem: async (secret: string) => ((await takeLink(secret)) ? add() : undefined),
    async verify(cookie: string): Promise<AdminSession | undefined> {
      const hash = hashOf(cookie)
      const found = await store.get(sessions, hash)
      return found === undefined ? undefined : { id: hash.slice(0, 8) }
    },
    /** A session for a command beside the gateway, which ends it when it is done. */
    async open() {
      const cookie = await add()
      return { cookie, end: () => store.delete(sessions, hashOf(cookie)) }
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

/** What a command that has a session sends as its `Cookie`. */
export function adminCookieHeader(origin: string, value: string): string {
  return `${cookieName(origin)}=${value}`
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
