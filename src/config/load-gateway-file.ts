import { readFile } from 'node:fs/promises'
import { isAbsolute, relative } from 'node:path'
import { messageOf, UserError } from '../errors.ts'
import { type JsoncDocument, parseJsonc, type SyntaxProblem } from './parse-jsonc.ts'
import { formatPath, type Problem } from './problem.ts'
import { type ResolveGatewayFileOptions, resolveGatewayFile } from './resolve-gateway-file.ts'
import type { GatewayFile } from './resolved-config.ts'

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
