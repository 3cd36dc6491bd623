import { resolve } from 'node:path'
import type { ServerInput } from './gateway-file-schema.ts'
import type { Problem, ReportProblem } from './problems.ts'
import type { HttpServerConfig, ServerConfig, StdioServerConfig } from './resolved-config.ts'
import { watchedFiles } from './watched-files.ts'

interface ResolveServerOptions {
  readonly projectDir: string
  /** What `${VAR}` may refer to. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly report: ReportProblem
}

type Expand = (path: Problem['path'], text: string) => string
type Input<Key extends string> = Extract<ServerInput, Record<Key, unknown>>

const eras = { '2025': 'legacy', '2026': 'modern' } as const

/** Turns an entry of `mcpServers` into what the gateway connects to; reports what it cannot use. */
export function resolveServer(
  name: string,
  input: ServerInput,
  { projectDir, variables, report }: ResolveServerOptions,
): ServerConfig {
  const reportHere: ReportProblem = (path, message) =>
    report(['mcpServers', name, ...path], message)
  const variableValues: string[] = []
  const expand: Expand = (path, text) => {
    const expansion = expandVariables(text, variables)
    variableValues.push(...expansion.values)
    for (const message of expansion.problems) reportHere(path, message)
    // What could not be expanded is reported once, not again for what its remains look like.
    return expansion.problems.length > 0 ? text : expansion.text
  }
  const common = {
    name,
    isolation: input.isolation,
    timeoutMs: input.timeoutSeconds * 1000,
    idleMs: input.idleMinutes === 0 ? Number.POSITIVE_INFINITY : input.idleMinutes * 60_000,
    era: input.era === undefined ? undefined : eras[input.era],
    forwardCaller: input.forwardCaller,
    variableValues,
  }
  return 'command' in input
    ? { ...common, ...resolveStdio(input, { projectDir, expand, report: reportHere }) }
    : { ...common, ...resolveHttp(input, { expand, report: reportHere }) }
}

function resolveStdio(
  input: Input<'command'>,
  context: { projectDir: string; expand: Expand; report: ReportProblem },
): Pick<StdioServerConfig, 'type' | 'command' | 'args' | 'env' | 'cwd' | 'watch'> {
  const { expand, report } = context
  const command = expand(['command'], input.command)
  if (command.trim() === '') report(['command'], 'is empty once its variables are replaced')
  const args = input.args.map((text, index) => expand(['args', index], text))
  const cwd = resolve(context.projectDir, expand(['cwd'], input.cwd))
  const watch = input.watch ? watchedFiles(input.watch, { command, args, cwd }) : undefined
  if (input.watch && !watch) {
    report(['watch'], 'finds no script among "command" and "args", so name globs in "cwd" instead')
  }
  const env = mapValues(input.env, (text, key) => expand(['env', key], text))
  return { type: 'stdio', command, args, env, cwd, watch }
}

function resolveHttp(
  input: Input<'url'>,
  { expand, report }: { expand: Expand; report: ReportProblem },
): Pick<HttpServerConfig, 'type' | 'url' | 'headers' | 'auth' | 'tls'> {
  const url = expand(['url'], input.url)
  const problem = url === input.url && url.includes('${') ? undefined : urlProblem(url)
  if (problem !== undefined) report(['url'], problem)
  const headers = mapValues(input.headers, (text, key) => {
    const value = expand(['headers', key], text)
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      report(['headers', key], 'holds a line break or a character that HTTP headers cannot carry')
    }
    return value
  })
  const auth = resolveLogin(input.auth, { headers, expand })
  return { type: input.type === 'sse' ? 'sse' : 'http', url, headers, auth, tls: input.tls }
}

/** A header of the user's own is how to log in, where there is one. */
function resolveLogin(
  input: Input<'url'>['auth'],
  { headers, expand }: { headers: Readonly<Record<string, string>>; expand: Expand },
): HttpServerConfig['auth'] {
  const hasHeader = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
  if (input === false || (input === undefined && hasHeader)) return false
  const expanded = (key: 'clientId' | 'clientSecret' | 'privateKey' | 'issuer') => {
    const text = input?.[key]
    return text === undefined ? undefined : expand(['auth', key], text)
  }
  return {
    grant: input?.grant ?? 'authorization_code',
    clientId: expanded('clientId'),
    clientSecret: expanded('clientSecret'),
    privateKey: expanded('privateKey'),
    issuer: expanded('issuer'),
    scopes: input?.scopes,
    allowPrivateNetwork: input?.allowPrivateNetwork ?? false,
  }
}

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    return 'must be an absolute URL that starts with http:// or https://'
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user name or password; send them as headers.Authorization'
  }
  return undefined
}

function mapValues(
  record: Readonly<Record<string, string>>,
  map: (value: string, key: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
}

interface Expansion {
  readonly text: string
  /** What is wrong with each reference that could not be expanded; names variables, never values. */
  readonly problems: readonly string[]
  /** What its references stand for. */
  readonly values: readonly string[]
}

// As in POSIX shells and MCP clients: a default also takes the place of an empty value.
const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g
const foreignReference = /\$\{(?:env|input):([A-Za-z_][A-Za-z0-9_-]*)\}/

/**
 * Replaces `${VAR}` and `${VAR:-default}`. Anything else that starts with `$` stays as it is,
 * since arguments may hold shell text.
 */
function expandVariables(
  text: string,
  variables: Readonly<Record<string, string | undefined>>,
): Expansion {
  const problems: string[] = []
  const values: string[] = []
  const foreign = foreignReference.exec(text)
  if (foreign) {
    problems.push(
      `${foreign[0]} is how other programs refer to a variable; here it is \${${foreign[1]}}`,
    )
  }
  const expanded = text.replace(reference, (_whole, name: string, fallback?: string) => {
    if (fallback?.includes('${')) {
      problems.push(`the default of \${${name}:-…} must not hold another \${…}`)
      return ''
    }
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (value) values.push(value)
    if (fallback !== undefined) return value || fallback
    if (value === undefined) problems.push(unset(name))
    return value ?? ''
  })
  return { text: expanded, problems, values }
}

function unset(name: string): string {
  return `the variable ${name} is not set; set it in the environment or in .env, or give a default: \${${name}:-…}`
}
