import type { Context } from 'hono'
import type { HttpEnv } from '../http-env.ts'
import type { AdminSession } from './admin-sessions.ts'

/** `HttpEnv` with the session, once it has been verified. */
export interface AdminEnv extends HttpEnv {
  Variables: HttpEnv['Variables'] & { adminSession: AdminSession }
}

export type AdminContext = Context<AdminEnv>
