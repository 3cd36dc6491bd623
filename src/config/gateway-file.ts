import { readFile } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import { type JsoncDocument, parseJsonc, type SyntaxProblem } from '../editing/parse-jsonc.ts'
import { messageOf, UserError } from '../errors.ts'
import { type GatewayFileInput, gatewayFileSchema } from './gateway-file-schema.ts'
import { defaultProfileName } from './names.ts'
import { checkShape, formatPath, type Problem, type ReportProblem } from './problems.ts'
import { resolveProfile } from './resolve-profile.ts'
import { resolveServer } from './resolve-server.ts'
import type { CompanionProcess, GatewayFile } from './resolved-config.ts'

/**
 * Reads and checks the configuration file.
 * @throws UserError CONFIG_NOT_FOUND, or CONFIG_INVALID with everything that is wrong with it
 */
export async function loadGatewayFile(
  path: string,
  options: ResolveGatewayFileOptions,
): Promise<GatewayFile> {
  const name = nameOf(path, options.projectDir)
  const parsed = parseJsonc(await readText(path, name))
  if (!parsed.ok)
    throw configInvalid(
      name,
      parsed.errors.map((error) => syntaxLine(name, error)),
    )
  const { document } = parsed
  const { file, problems } = resolveGatewayFile(document.value, options)
  const all = [...document.duplicates, ...problems]
  if (all.length > 0) throw configInvalid(name, problemLines(all, document))
  return file
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const reason = isMissing ? 'does not exist' : `cannot be read: ${messageOf(cause)}`
    throw new UserError('CONFIG_NOT_FOUND', `The configuration file ${name} ${reason}.`, {
      hint: 'Create it, or name another one with --config or SALLYPORT_CONFIG.',
      cause,
    })
  }
}

function problemLines(problems: readonly Problem[], document: JsoncDocument): string[] {
  return problems
    .map((problem) => ({ ...problem, line: document.lineOf(problem.path) }))
    .sort((a, b) => a.line - b.line)
    .map(({ path, line, message }) => `${formatPath(path) || 'the file'} (line ${line}) ${message}`)
}

function syntaxLine(name: string, { line, column, message }: SyntaxProblem): string {
  return `${name}:${line}:${column} ${message}`
}

function configInvalid(name: string, lines: readonly string[]): UserError {
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`
  return new UserError(
    'CONFIG_INVALID',
    `The configuration file ${name} has ${count}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    { hint: 'config/gateway.schema.json describes every key; editors show it while you type.' },
  )
}

/** The path as a person in the project's folder would write it. */
function nameOf(path: string, projectDir: string): string {
  const inside = relative(projectDir, path)
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside
}

interface ResolveGatewayFileOptions {
  readonly projectDir: string
  /** What `${VAR}` may refer to. */
  readonly variables: Readonly<Record<string, string | undefined>>
}

/** Decides what the content of the configuration file means. `file` counts only without problems. */
function resolveGatewayFile(
  value: unknown,
  options: ResolveGatewayFileOptions,
): { file: GatewayFile; problems: readonly Problem[] } {
  const { input, problems } = checkEntries(value)
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
function checkEntries(value: unknown): { input: GatewayFileInput; problems: Problem[] } {
  const first = checkShape(gatewayFileSchema, value)
  if (first.ok) return { input: first.value, problems: [] }
  const sound = structuredClone(value)
  for (const { path } of first.problems) removeEntry(sound, path)
  const second = gatewayFileSchema.safeParse(sound)
  const input = second.success ? second.data : gatewayFileSchema.parse({})
  return { input, problems: first.problems }
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
