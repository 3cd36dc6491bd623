import {
  Client,
  type ElicitRequest,
  type ElicitResult,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { readInstanceLock, takeInstanceLock } from '../config/instance-lock.ts'
import { loadConfig } from '../config/load.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { messageOf, UserError } from '../errors.ts'
import { startGateway } from '../gateway.ts'
import { createLogger } from '../lib/logger.ts'
import { ownValue } from '../lib/objects.ts'
import { readVersion } from '../lib/version.ts'
import { publicUrls } from '../origin/public-urls.ts'
import { askForm } from './ask-form.ts'
import type { World } from './output.ts'

/** The options of every command that speaks with a profile. */
export interface ProfileFlags {
  /** The variable with an API key. */
  readonly key?: string
}

/**
 * Runs `use` with a client of a profile: of the gateway that runs in this folder, or of one that is
 * started for it, for this machine alone and without a tunnel.
 * @throws UserError USAGE for a profile that is not there; UPSTREAM_UNAVAILABLE when it does not let
 * us in or cannot be reached
 */
export async function withProfile(
  profile: string,
  { flags, world }: { flags: ProfileFlags; world: World },
  use: (client: Client) => Promise<number>,
): Promise<number> {
  const { config } = await loadConfig({ projectDir: world.process.cwd() })
  if (!ownValue(config.profiles, profile)) {
    throw new UserError('USAGE', `There is no profile ${JSON.stringify(profile)}.`, {
      hint: `Profiles are ${Object.keys(config.profiles).join(', ')}.`,
    })
  }
  await using undo = new AsyncDisposableStack()
  const origin = (await runningOrigin(config)) ?? (await startFor(config, { world, undo }))
  const headers = flags.key === undefined ? undefined : keyHeader(flags.key, config)
  const transport = new StreamableHTTPClientTransport(new URL(publicUrls(origin).mcp(profile)), {
    requestInit: headers ? { headers } : {},
  })
  const client = createClient(world)
  undo.defer(() => client.close())
  try {
    await client.connect(transport)
  } catch (error) {
    throw notLetIn(profile, error)
  }
  return await use(client)
}

/** The plainest address of the gateway of this folder; undefined when none runs. */
async function runningOrigin({ home }: ResolvedConfig): Promise<string | undefined> {
  const lock = await readInstanceLock(home)
  if (lock.state !== 'held') return undefined
  const isLocal = (origin: string) => /^http:\/\/(localhost|127\.0\.0\.1)[:/]?/.test(origin)
  return lock.origins.find(isLocal) ?? lock.address
}

async function startFor(
  config: ResolvedConfig,
  { world, undo }: { world: World; undo: AsyncDisposableStack },
): Promise<string> {
  const { output } = world
  const lock = await takeInstanceLock(config.home)
  undo.defer(lock.release)
  output.progress('No gateway runs here: starting one for this')
  const gateway = await startGateway({
    config: {
      ...config,
      https: false,
      tunnel: 'none',
      appUrl: undefined,
      listen: { ...config.listen, host: '127.0.0.1', httpPort: 0 },
    },
    logger: createLogger({ level: 'silent' }),
    onEvent: () => {},
  })
  undo.defer(() => gateway.close())
  output.progress(undefined)
  return gateway.status().appUrl
}

function keyHeader(variable: string, { environment }: ResolvedConfig): Record<string, string> {
  const key = environment[variable]
  if (!key) {
    throw new UserError('USAGE', `The variable ${variable} is not set.`, {
      hint: 'Make a key with `pnpm sallyport keys create --profile <name>`, and put it there.',
    })
  }
  return { authorization: `Bearer ${key}` }
}

function createClient({ output, process }: World): Client {
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && !output.json
  const client = new Client(
    { name: 'sallyport-cli', title: 'Sallyport', version: readVersion() },
    {
      capabilities: canAsk ? { elicitation: { form: {}, url: {} } } : {},
      versionNegotiation: { mode: 'auto' },
    },
  )
  if (canAsk) {
    client.setRequestHandler(
      'elicitation/create',
      ({ params }: ElicitRequest): Promise<ElicitResult> => {
        output.progress(undefined)
        return askForm(params)
      },
    )
  }
  return client
}

function notLetIn(profile: string, error: unknown): UserError {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (status === 401 || (error instanceof Error && error.name === 'UnauthorizedError')) {
    return new UserError('UPSTREAM_UNAVAILABLE', `The profile "${profile}" asks who you are.`, {
      hint: `Make a key with \`pnpm sallyport keys create --profile ${profile}\`, put it into a variable, and name that with --key.`,
      cause: error,
    })
  }
  return new UserError(
    'UPSTREAM_UNAVAILABLE',
    `The profile "${profile}" cannot be reached: ${messageOf(error)}.`,
    { hint: 'See `pnpm sallyport doctor`.', cause: error },
  )
}
