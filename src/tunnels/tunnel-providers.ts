import type { TunnelProviderName } from '../config/resolved-config.ts'
import * as cloudflare from './providers/cloudflare.ts'
import * as command from './providers/command.ts'
import * as localtunnel from './providers/localtunnel.ts'
import * as ngrok from './providers/ngrok.ts'
import type { TunnelDependencies, TunnelProvider, TunnelTraits } from './tunnel-provider.ts'

/**
 * Every kind of tunnel there is, by its name. A new one is a file in `providers/`, a line here, and its name in
 * the configuration.
 * `external`, `local` and `none` open nothing, so they are no providers.
 */
const tunnelProviders = { cloudflare, command, localtunnel, ngrok } satisfies Record<
  TunnelProviderName,
  // A provider takes options of its own, which only its own entry can name.
  {
    createTunnelProvider: (options: never, d: TunnelDependencies) => TunnelProvider
    traits: TunnelTraits
  }
>

/** The options of every provider, by its name. */
export type TunnelOptions = {
  readonly [Name in TunnelProviderName]: Parameters<
    (typeof tunnelProviders)[Name]['createTunnelProvider']
  >[0]
}

/** Creates the provider of that name. */
export function createTunnelProvider<Name extends TunnelProviderName>(
  name: Name,
  options: TunnelOptions[Name],
  dependencies: TunnelDependencies,
): TunnelProvider {
  // TypeScript does not see that entry and options have the same key.
  const create = tunnelProviders[name].createTunnelProvider as (
    options: TunnelOptions[Name],
    dependencies: TunnelDependencies,
  ) => TunnelProvider
  return create(options, dependencies)
}

/** What is always true of a kind of tunnel. */
export function tunnelTraits(name: TunnelProviderName): TunnelTraits {
  return tunnelProviders[name].traits
}
