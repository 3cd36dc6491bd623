import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'
import { startClient } from '../client-process.ts'
import {
  addressOf,
  addressRefused,
  type ClientReport,
  openClientTunnel,
  parsePublicAddress,
} from '../client-tunnel.ts'
import type {
  CheckResult,
  TunnelDependencies,
  TunnelProvider,
  TunnelTraits,
} from '../tunnel-provider.ts'

const provider = 'command'

export interface CommandOptions {
  /** A line for the shell; `{port}`, `{host}` and `{url}` stand for the tunnel's target. */
  readonly commandLine: string | undefined
  /** Finds the public address in a line of output: its first group, or all it matches. */
  readonly urlPattern: RegExp
  /** Folder the command runs in. */
  readonly cwd: string
  /** Longest time until the address is known, ms. */
  readonly timeoutMs?: number
}

/** Cautious guesses, as nothing is known about the service. */
export const traits: TunnelTraits = {
  skipInterstitialHeader: undefined,
  interstitialAdvice: undefined,
  maxHeldStreams: 100,
  clientAddress: undefined,
  encryptedLeg: undefined,
}

/** Any program that opens a tunnel and prints its address. It gets our whole environment. */
export function createTunnelProvider(
  options: CommandOptions,
  dependencies: TunnelDependencies,
): TunnelProvider {
  const { commandLine = '', timeoutMs = 30_000 } = options
  const env = Object.fromEntries(
    Object.entries(dependencies.environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
  return {
    name: provider,
    check: async () => check(commandLine),
    open: async (target, { signal }) => {
      const command = fillIn(commandLine, addressOf(target))
      let refused: string | undefined
      function hear(line: string, report: ClientReport): void {
        const found = findAddress(line, options.urlPattern)
        const address = found === undefined ? undefined : parsePublicAddress(found)
        if (address) report.url(address)
        else refused = found ?? refused
      }
      const refusal = () =>
        refused === undefined ? undefined : addressRefused('The command in TUNNEL_COMMAND', refused)
      return openClientTunnel(
        {
          client: 'tunnel',
          timeoutMs,
          explainTimeout: () => refusal() ?? noAddress(options.urlPattern),
          explainExit: ({ how, lastWords }) => refusal() ?? ended(how, lastWords),
          start: (report) =>
            startClient(
              {
                command,
                args: [],
                shell: true,
                cwd: options.cwd,
                env,
                secrets: [],
                onLine: (line) => hear(line, report),
              },
              dependencies,
            ),
        },
        { signal },
      )
    },
  }
}

function check(commandLine: string): CheckResult {
  if (commandLine.trim() !== '') return { ok: true }
  return {
    ok: false,
    configured: false,
    code: 'TUNNEL_CLIENT_MISSING',
    message: 'No tunnel command was given.',
    hint: 'Set TUNNEL_COMMAND to a command line such as `bore local {port} --to bore.example`.',
  }
}

function fillIn(commandLine: string, { host, port }: { host: string; port: number }): string {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const values: Record<string, string> = { port: String(port), host, url }
  return commandLine.replace(/\{(port|host|url)\}/g, (_, key) => shellQuote(values[key] ?? ''))
}

function findAddress(line: string, pattern: RegExp): string | undefined {
  // A pattern with the flag `g` remembers where it stopped.
  const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(line)
  return match ? (match[1] ?? match[0]) : undefined
}

function noAddress(pattern: RegExp): UserError {
  return new UserError(
    'TUNNEL_SILENT',
    `The tunnel command printed no address that matches ${pattern} in time.`,
    {
      hint: 'Run the command by hand, and set TUNNEL_COMMAND_URL to what finds the address in what it prints.',
    },
  )
}

function ended(how: string, lastWords: string): UserError {
  const words = lastWords.trim() === '' ? '.' : `: ${lastWords.trim()}`
  return new UserError('TUNNEL_CLIENT_ENDED', `The tunnel command ${how}${words}`, {
    hint: 'Run the command of TUNNEL_COMMAND by hand to see what is wrong.',
  })
}
