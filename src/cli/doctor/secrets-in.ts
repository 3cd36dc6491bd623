import { configOf } from './config-of.ts'
import type { DoctorWorld } from './world.ts'

const secretNames = /TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE|CREDENTIAL/i
// Shorter ones are words such as "true", and taking them out would make sentences unreadable.
const shortest = 6

/** The secrets that settings and servers hold, so that no sentence can repeat one. */
export function secretsIn(world: DoctorWorld): string[] {
  const { environment, dotenv } = world.settings
  const config = configOf(world)
  const servers = Object.values(config?.servers ?? {}).flatMap((server) =>
    server.type === 'stdio' ? Object.entries(server.env) : Object.entries(server.headers),
  )
  const named = [...Object.entries(environment), ...Object.entries(dotenv), ...servers]
    .filter(([name]) => secretNames.test(name) || /^authorization$/i.test(name))
    .map(([, value]) => value ?? '')
  const signIn = (config?.auth.signIn ?? []).map(({ clientSecret }) => clientSecret)
  return [...named, ...signIn].filter((secret) => secret.length >= shortest)
}
