import { fileURLToPath } from 'node:url'
import { clientEnvironment } from './client-environment.ts'
import { type ClientProcess, startClient } from './client-process.ts'
import type { HostEvent } from './hosts/host-channel.ts'
import type { TunnelDependencies } from './tunnel-provider.ts'

/**
 * Starts one of the programs in `hosts/`, each of which runs one client library. The settings,
 * secrets among them, travel by a channel that only the two processes have.
 */
export function startClientHost<Settings extends object>(
  options: {
    /** File name in `hosts/`. */
    readonly program: string
    readonly settings: Settings
    readonly secrets: readonly string[]
    readonly onEvent: (event: HostEvent) => void
  },
  dependencies: TunnelDependencies,
): ClientProcess {
  const program = fileURLToPath(new URL(`./hosts/${options.program}`, import.meta.url))
  const host = startClient(
    {
      command: process.execPath,
      args: [program],
      env: clientEnvironment(dependencies.environment),
      ipc: true,
      secrets: options.secrets,
      onMessage: (message) => options.onEvent(message as HostEvent),
    },
    dependencies,
  )
  if (host.pid !== undefined) host.send(options.settings)
  return host
}
