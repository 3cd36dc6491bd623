import { resolve } from 'node:path'
import { type GatewayFileInput, gatewayFileSchema } from './gateway-file-schema.ts'
import { defaultProfileName } from './names.ts'
import type { Problem, ReportProblem } from './problem.ts'
import { resolveProfile } from './resolve-profile.ts'
import { resolveServer } from './resolve-server.ts'
import type { CompanionProcess, GatewayFile } from './resolved-config.ts'
import { problemsOf } from './schema-problems.ts'

export interface ResolveGatewayFileOptions {
  readonly projectDir: string
  /** What `${VAR}` may refer to. */
  readonly variables: Readonly<Record<string, string | undefined>>
}

/** Decides what the content of the configuration file means. `file` counts only without problems. */
export function resolveGatewayFile(
  value: unknown,
  options: ResolveGatewayFileOptions,
): { file: GatewayFile; problems: readonly Problem[] } {
  const { input, problems } = checkShape(value)
  const report: ReportProblem = (path, message) => problems.push({ path, message })
  // Servers with problems of their own count as present, so that no profile is blamed for them.
  const serverNames = keysOf(value, 'mcpServers')
  const profiles = mapEntries(input.profiles, (name, profile) =>
    resolveProfile(name, profile, { serverNames, report }),
  )
  const file: GatewayFile = {
    servers: mapEntries(input.mcpServers, (name, server) =>
      resolveServer(name, server, { ...options, report }),
    ),
    profiles: keysOf(value, 'profiles').includes(defaultProfileName)
      ? profiles
      : { [defaultProfileName]: everything(serverNames), ...profiles },
    processes: resolveProcesses(input, { projectDir: options.projectDir, report }),
    limits: { maxBodyBytes: Math.floor(input.limits.bodyMiB * 1024 * 1024) },
    allowedHosts: input.allowedHosts.map((host) => host.toLowerCase()),
    allowedOrigins: input.allowedOrigins.map((origin) => origin.toLowerCase()),
  }
  return { file, problems }
}

/** Checks the shape, then goes on with what is left when every faulty entry is taken out. */
function checkShape(value: unknown): { input: GatewayFileInput; problems: Problem[] } {
  const first = gatewayFileSchema.safeParse(value)
  if (first.success) return { input: first.data, problems: [] }
  const problems = problemsOf(first.error.issues, { schema: gatewayFileSchema, value })
  const sound = structuredClone(value)
  for (const { path } of problems) removeEntry(sound, path)
  const second = gatewayFileSchema.safeParse(sound)
  return { input: second.success ? second.data : gatewayFileSchema.parse({}), problems }
}

/** Takes out the server or profile a path leads into; elsewhere, the whole section. */
function removeEntry(root: unknown, path: Problem['path']): void {
  const [section, entry] = path
  if (typeof root !== 'object' || root === null || section === undefined) return
  const entries: unknown = Reflect.get(root, section)
  const inEntries = section === 'mcpServers' || section === 'profiles'
  if (inEntries && entry !== undefined && typeof entries === 'object' && entries !== null) {
    Reflect.deleteProperty(entries, entry)
  } else Reflect.deleteProperty(root, section)
}

function resolveProcesses(
  input: GatewayFileInput,
  { projectDir, report }: { projectDir: string; report: ReportProblem },
): CompanionProcess[] {
  const names = input.dev.processes.map((process) => process.name)
  return input.dev.processes.map((process, index) => {
    if (names.indexOf(process.name) < index) {
      report(['dev', 'processes', index, 'name'], 'is the name of another process as well')
    }
    return { ...process, cwd: resolve(projectDir, process.cwd) }
  })
}

function everything(servers: readonly string[]) {
  const tools = { allow: [], deny: [], rename: {}, describe: {} }
  return {
    name: defaultProfileName,
    description: 'Every configured server.',
    auth: undefined,
    scopes: [],
    servers: [...servers],
    naming: 'auto' as const,
    tools,
  }
}

function keysOf(value: unknown, section: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  const entries: unknown = Reflect.get(value, section)
  return typeof entries === 'object' && entries !== null ? Object.keys(entries) : []
}

function mapEntries<T, U>(
  record: Readonly<Record<string, T>>,
  map: (name: string, value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(name, value)]))
}
