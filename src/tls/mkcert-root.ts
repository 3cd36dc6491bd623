import { posix, win32 } from 'node:path'

/** Environment values that decide where mkcert keeps its authority. */
export interface MkcertEnvironment {
  readonly CAROOT?: string | undefined
  readonly LOCALAPPDATA?: string | undefined
  readonly XDG_DATA_HOME?: string | undefined
  readonly HOME?: string | undefined
}

/**
 * The folder mkcert 1.4 keeps `rootCA.pem` and `rootCA-key.pem` in, by its `getCAROOT` rules;
 * undefined when the environment does not say.
 */
export function resolveMkcertRoot(
  platform: NodeJS.Platform,
  env: MkcertEnvironment,
): string | undefined {
  if (env.CAROOT) return env.CAROOT
  const { join } = platform === 'win32' ? win32 : posix
  const base = dataFolder(platform, env)
  return base === undefined ? undefined : join(base, 'mkcert')
}

function dataFolder(platform: NodeJS.Platform, env: MkcertEnvironment): string | undefined {
  if (platform === 'win32') return env.LOCALAPPDATA || undefined
  if (env.XDG_DATA_HOME) return env.XDG_DATA_HOME
  if (!env.HOME) return undefined
  if (platform === 'darwin') return posix.join(env.HOME, 'Library', 'Application Support')
  return posix.join(env.HOME, '.local', 'share')
}
