import { fileURLToPath } from 'node:url'
import type { UserError } from '../errors.ts'
import { redactSecrets } from '../lib/redact.ts'
import { type ClientProcess, clientEnvironment, startClient } from './client-process.ts'
import { addressRefused, openClientTunnel, parsePublicAddress } from './client-tunnel.ts'
import type { HostEvent } from './hosts/host-channel.ts'
import { explainFailure } from './tunnel-failures.ts'
import type { Tunnel, TunnelDependencies } from './tunnel-provider.ts'

export interface HostedTunnel<Settings> {
  /** Name of the provider, for sentences and for the table of failures. */
  readonly provider: string
  /** File in `hosts/` that runs the client library. */
  readonly program: string
  readonly settings: Settings
  readonly secrets: readonly string[]
  readonly timeoutMs: number
  explainTimeout(): UserError
  /** What is wrong with the name the service granted; undefined when nothing is. */
  refuseName?(granted: string | undefined): UserError | undefined
}

/** Opens a tunnel with a client library that runs in a process of its own. */
export function openHostedTunnel<Settings extends object>(
  tunnel: HostedTunnel<Settings>,
  dependencies: TunnelDependencies,
  options: { signal: AbortSignal },
): Promise<Tunnel> {
  const { provider, program, settings, secrets, timeoutMs } = tunnel
  const explain = (how: string, words: string) =>
    explainFailure(provider, { how: `The ${provider} client ${how}`, words })
  return openClientTunnel(
    {
      client: provider,
      timeoutMs,
      explainTimeout: tunnel.explainTimeout,
      explainExit: ({ how, lastWords }) => explain(how, lastWords),
      start: (report) =>
        startClientHost(
          {
            program,
            settings,
            secrets,
            onEvent(event) {
              const safe = (words: string) => redactSecrets(words, secrets)
              if (event.type === 'lost') report.lost(safe(event.detail))
              if (event.type === 'failed') {
                report.failed(explain('failed', safe(`${event.message} ${event.code ?? ''}`)))
              }
              if (event.type !== 'url') return
              const refusal = tunnel.refuseName?.(event.name)
              const address = parsePublicAddress(event.url)
              if (refusal) report.failed(refusal)
              else if (address) report.url(address)
              else report.failed(addressRefused(`The ${provider} service`, event.url))
            },
          },
          dependencies,
        ),
    },
    options,
  )
}

/**
 * Starts one of the programs in `hosts/`, each of which runs one client library. The settings,
 * secrets among them, travel by a channel that only the two processes have.
 */
function startClientHost<Settings extends object>(
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
