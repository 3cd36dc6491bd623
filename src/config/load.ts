import { join, resolve } from 'node:path'
import { deepFreeze } from '../lib/objects.ts'
import { type AppUrlOptions, resolveAppUrl } from './app-url.ts'
import { appUrlJournalFile, readAppUrlJournal } from './app-url-files.ts'
import type { Environment } from './environment-schema.ts'
import { loadGatewayFile } from './gateway-file.ts'
import {
  type ConfigOverrides,
  type DotenvFile,
  dotenvLayer,
  flagLayer,
  readDotenv,
  resolveEnvironment,
} from './resolve-environment.ts'
import { resolveSelection, resolveTunnels } from './resolve-tunnels.ts'
import type { AuthSettings, GatewayFile, ResolvedConfig } from './resolved-config.ts'

type EnvironmentVariables = Readonly<Record<string, string | undefined>>

interface LoadConfigOptions {
  /** Folder the command was started in; `.env` and relative paths are found there. */
  readonly projectDir: string
  readonly overrides?: ConfigOverrides
  /** The environment of the process unless given. */
  readonly env?: EnvironmentVariables
}

interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: ResolvedConfig
  /** Full sentences for the person at the keyboard. */
  readonly warnings: readonly string[]
}

/**
 * Reads flags, environment, `.env` and the configuration file, and decides everything once.
 * Changes neither a file nor the environment.
 * @throws UserError ENV_INVALID, APP_URL_INVALID, CONFIG_NOT_FOUND, CONFIG_INVALID or USAGE
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { projectDir, overrides = {}, env = process.env } = options
  const values = resolveEnvironment([
    flagLayer(overrides),
    { values: env, sourceOf: () => 'the environment' },
    dotenvLayer(await readDotenv(join(projectDir, '.env'), { journal: undefined })),
  ])
  const home = resolve(projectDir, values.SALLYPORT_HOME)
  const configFile = resolve(projectDir, values.SALLYPORT_CONFIG)
  const { dotenvFile, variables } = await readVariables({ projectDir, home, env })
  const tunnel = resolveSelection(values.TUNNEL)
  const given = givenAppUrl(env, dotenvFile)
  const { appUrl, warnings } = resolveAppUrl({ tunnel, given })
  const file = await loadGatewayFile(configFile, { projectDir, variables })
  const config: ResolvedConfig = {
    ...file,
    configFile,
    home,
    projectDir,
    listen: {
      host: values.HOST,
      httpPort: values.PORT,
      httpsPort: values.HTTPS_PORT,
      strictPort: overrides.strictPort ?? false,
    },
    https: overrides.https ?? true,
    tunnel,
    tunnels: resolveTunnels(values, { overrides, projectDir, appUrl }),
    appUrl,
    appUrlFiles: values.APP_URL_FILES.map((path) => resolve(projectDir, path)),
    tls: tlsPart(values, { projectDir, env }),
    logLevel: values.LOG_LEVEL,
    debugSsl: values.DEBUG_SSL === '1' || values.DEBUG_SSL === 'true',
    auth: resolveAuth(values),
    secret: values.SALLYPORT_SECRET,
    environment: { ...env },
  }
  return { config: deepFreeze(config), warnings: [...warnings, ...fileWarnings(file)] }
}

/** What the environment and `.env` say, unchecked. */
export interface RawSettings {
  readonly environment: EnvironmentVariables
  /** Absolute path of `.env`. */
  readonly dotenvPath: string
  /** As the file stands now, with what a gateway may have written into it. */
  readonly dotenv: Readonly<Record<string, string>>
}

/** Reads what somebody has set, for whoever wants to judge it; a `.env` that cannot be read is empty. */
export async function readSettings({
  projectDir,
  env = process.env,
}: Pick<LoadConfigOptions, 'projectDir' | 'env'>): Promise<RawSettings> {
  const dotenvPath = join(projectDir, '.env')
  const { values } = await readDotenv(dotenvPath, { journal: undefined }).catch(() => ({
    values: {},
  }))
  return { environment: { ...env }, dotenvPath, dotenv: values }
}

/**
 * Reads the configuration file again, with `.env` as it is now. What the environment decided stays.
 * @throws UserError CONFIG_NOT_FOUND or CONFIG_INVALID
 */
export async function reloadGatewayFile(
  config: Pick<ResolvedConfig, 'configFile' | 'home' | 'projectDir'>,
  { env = process.env }: { env?: EnvironmentVariables } = {},
): Promise<GatewayFile> {
  const { projectDir, home } = config
  const { variables } = await readVariables({ projectDir, home, env })
  return deepFreeze(await loadGatewayFile(config.configFile, { projectDir, variables }))
}

/** What says where a user's programs keep their files, other than the home folder. */
export function userFolderVariables(env: EnvironmentVariables = process.env) {
  const { APPDATA, XDG_CONFIG_HOME, CODEX_HOME, CLAUDE_CONFIG_DIR } = env
  return {
    appData: APPDATA,
    xdgConfig: XDG_CONFIG_HOME,
    codexHome: CODEX_HOME,
    claudeConfigDir: CLAUDE_CONFIG_DIR,
  }
}

function tlsPart(
  values: Environment,
  { projectDir, env }: { projectDir: string; env: EnvironmentVariables },
): ResolvedConfig['tls'] {
  const absolute = (path: string | undefined) => path && resolve(projectDir, path)
  const { CAROOT, LOCALAPPDATA, XDG_DATA_HOME, HOME } = env
  return {
    certPath: absolute(values.SSL_CERT_PATH),
    keyPath: absolute(values.SSL_KEY_PATH),
    caPath: absolute(values.SSL_CA_PATH),
    caRoot: absolute(values.SALLYPORT_CA_ROOT),
    mkcertEnvironment: { CAROOT, LOCALAPPDATA, XDG_DATA_HOME, HOME },
  }
}

/** What `${VAR}` may refer to. An address that a gateway wrote into `.env` is not the user's. */
async function readVariables(options: {
  projectDir: string
  home: string
  env: EnvironmentVariables
}): Promise<{ dotenvFile: DotenvFile; variables: EnvironmentVariables }> {
  const journal = await readAppUrlJournal(appUrlJournalFile(options.home))
  const dotenvFile = await readDotenv(join(options.projectDir, '.env'), { journal })
  const defined = Object.entries(options.env).filter(([, value]) => value !== undefined)
  return { dotenvFile, variables: { ...dotenvFile.values, ...Object.fromEntries(defined) } }
}

function givenAppUrl(env: EnvironmentVariables, dotenvFile: DotenvFile): AppUrlOptions['given'] {
  if (env.APP_URL) return { value: env.APP_URL, from: 'environment' }
  const { APP_URL } = dotenvFile.values
  return APP_URL ? { value: APP_URL, from: 'env-file' } : undefined
}

function fileWarnings(file: GatewayFile): string[] {
  if (Object.keys(file.servers).length > 0) return []
  return ['No MCP server is configured; add one to "mcpServers" in the configuration file.']
}

/** Whose tokens are taken, and the ways to sign in that have both id and secret. */
function resolveAuth(values: Environment): AuthSettings {
  const ways = [
    {
      name: 'github',
      label: 'GitHub',
      kind: 'github' as const,
      issuer: 'https://github.com/login/oauth',
      clientId: values.AUTH_GITHUB_CLIENT_ID,
      clientSecret: values.AUTH_GITHUB_CLIENT_SECRET,
    },
    {
      name: 'google',
      label: 'Google',
      kind: 'oidc' as const,
      issuer: 'https://accounts.google.com',
      clientId: values.AUTH_GOOGLE_CLIENT_ID,
      clientSecret: values.AUTH_GOOGLE_CLIENT_SECRET,
    },
    {
      name: 'oidc',
      label: 'your identity provider',
      kind: 'oidc' as const,
      issuer: values.AUTH_OIDC_ISSUER,
      clientId: values.AUTH_OIDC_CLIENT_ID,
      clientSecret: values.AUTH_OIDC_CLIENT_SECRET,
    },
  ]
  return {
    issuer: values.AUTH_ISSUER,
    allow: values.AUTH_ALLOW,
    redirectSchemes: values.AUTH_REDIRECT_SCHEMES,
    signIn: ways.flatMap(({ issuer, clientId, clientSecret, ...way }) =>
      issuer && clientId && clientSecret ? [{ ...way, issuer, clientId, clientSecret }] : [],
    ),
  }
}
