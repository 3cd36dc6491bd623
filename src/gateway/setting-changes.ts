import type { GatewayFile } from '../config/resolved-config.ts'

/** Where a setting stands in the configuration file, when not under its own name. */
const places: Readonly<Record<string, string>> = { processes: 'dev.processes' }

/** What an edit of the configuration file changed beside servers and profiles, in words. */
export function settingChanges(before: GatewayFile, after: GatewayFile): string[] {
  const { servers: _servers, profiles: _profiles, ...settings } = after
  const old: Readonly<Record<string, unknown>> = { ...before }
  return Object.entries(settings).flatMap(([name, value]) =>
    JSON.stringify(old[name]) === JSON.stringify(value)
      ? []
      : [`"${places[name] ?? name}" was changed`],
  )
}
