import { secretValues } from '../lib/redact.ts'
import { configOf } from './config-of.ts'
import type { DoctorWorld } from './world.ts'

/** The secrets that settings and servers hold, so that no sentence can repeat one. */
export function secretsIn(world: DoctorWorld): string[] {
  const { environment, dotenv } = world.settings
  const config = configOf(world)
  const servers = Object.values(config?.servers ?? {}).map((server) =>
    server.type === 'stdio' ? server.env : server.headers,
  )
  const signIn = (config?.auth.signIn ?? []).map(({ clientSecret }) => ({
    CLIENT_SECRET: clientSecret,
  }))
  return [environment, dotenv, ...servers, ...signIn].flatMap(secretValues)
}
