import { getCookie, setCookie } from 'hono/cookie'
import type { AdminContext } from './admin-env.ts'
import { sessionMs } from './admin-sessions.ts'

/** The only parts of the site that get to see it. */
const cookiePaths = ['/admin', '/api/admin']

export function setAdminCookie(c: AdminContext, value: string): void {
  for (const path of cookiePaths) {
    setCookie(c, nameFor(c), value, {
      path,
      httpOnly: true,
      sameSite: 'Strict',
      secure: c.get('origin').startsWith('https:'),
      maxAge: sessionMs / 1000,
    })
  }
}

export function readAdminCookie(c: AdminContext): string | undefined {
  return getCookie(c, nameFor(c))
}

/** Cookies know no ports (RFC 6265 8.5), and several gateways may run on one machine. */
function nameFor(c: AdminContext): string {
  return `sallyport_admin_${new URL(c.get('origin')).port}`
}
