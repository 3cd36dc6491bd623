import type { VariableName } from './environment-schema.ts'
import type { DotenvFile } from './read-dotenv.ts'
import type { EnvironmentLayer } from './resolve-environment.ts'

/** What the command line says; wins over the environment and is checked by the same rules. */
export interface ConfigOverrides {
  readonly port?: string | number | undefined
  readonly httpsPort?: string | number | undefined
  readonly host?: string | undefined
  readonly tunnel?: string | undefined
  readonly configFile?: string | undefined
  readonly logLevel?: string | undefined
  /** False unless given. */
  readonly strictPort?: boolean | undefined
  /** False unless given. */
  readonly allowAnonymous?: boolean | undefined
  /** False unless given. */
  readonly anySubdomain?: boolean | undefined
  /** True unless given. */
  readonly https?: boolean | undefined
}

const flags = {
  port: ['PORT', '--port'],
  httpsPort: ['HTTPS_PORT', '--https-port'],
  host: ['HOST', '--host'],
  tunnel: ['TUNNEL', '--tunnel'],
  configFile: ['SALLYPORT_CONFIG', '--config'],
  logLevel: ['LOG_LEVEL', '--log-level'],
} as const satisfies Partial<Record<keyof ConfigOverrides, readonly [VariableName, string]>>

/** The flags that stand for a variable. */
export function flagLayer(overrides: ConfigOverrides): EnvironmentLayer {
  const given = Object.entries(flags).map(([key, [variable]]) => {
    const value = overrides[key as keyof typeof flags]
    return [variable, value?.toString()] as const
  })
  const names: ReadonlyMap<string, string> = new Map(Object.values(flags))
  return { values: Object.fromEntries(given), sourceOf: (name) => names.get(name) ?? name }
}

/** The variables of `.env`. */
export function dotenvLayer(file: DotenvFile): EnvironmentLayer {
  const sourceOf = (name: VariableName) => {
    const line = file.lineOf(name)
    return line === undefined ? '.env' : `.env line ${line}`
  }
  return { values: file.values, sourceOf }
}
