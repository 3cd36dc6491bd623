import { Hono } from 'hono'
import type { ProfileSummary } from '../../gateway-events.ts'
import type { HttpEnv } from '../http-env.ts'

export interface StatusRouteDeps {
  readonly version: string
  /** Time since the start, ms. */
  uptimeMs(): number
  /** What is still missing before clients can be served; empty when ready. */
  missing(): string[]
  summaries(origin: string): ProfileSummary[]
  /** The answer that only this process can give to a challenge. */
  prove(challenge: string): string
}

/** Liveness, readiness, the profiles, and the proof that an address leads here. */
export function statusRoutes(deps: StatusRouteDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>({ strict: false })
  app.get('/health', (c) =>
    c.json({
      status: 'ok',
      version: deps.version,
      uptimeSeconds: Math.floor(deps.uptimeMs() / 1000),
    }),
  )
  app.get('/ready', (c) => {
    const missing = deps.missing()
    return c.json({ ready: missing.length === 0, missing }, missing.length === 0 ? 200 : 503)
  })
  app.get('/api/profiles', (c) => c.json({ profiles: deps.summaries(c.get('origin')) }))
  app.get('/api/proof/:challenge', (c) => c.json({ proof: deps.prove(c.req.param('challenge')) }))
  return app
}
