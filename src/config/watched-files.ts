import { basename, dirname, extname, resolve } from 'node:path'

/** Files of which a change restarts a server. */
export interface WatchedFiles {
  /** Absolute. */
  readonly folder: string
  /** Relative to that. */
  readonly globs: readonly string[]
}

/** Programs that run a script, and words that they may be given before it. */
const runners = /^(node|tsx|ts-node|bun|deno|python[\d.]*|uv|go|ruby|php)(\.exe)?$/
const verbs: ReadonlySet<string> = new Set(['run', 'watch', 'x'])
const scriptEndings = /^\.([cm]?[jt]sx?|py|go|rb|php|sh)$/

/** What programs are written in; not what they write, such as logs beside their script. */
const sources =
  '**/*.{js,mjs,cjs,jsx,ts,mts,cts,tsx,py,go,rb,php,sh,json,yaml,yml,toml,html,css,sql,graphql,md}'

/**
 * What `watch` of a program means: globs in its working folder, or with `true` the sources in the folder
 * of the script that it runs.
 * @returns undefined for `true` where no script is to be seen
 */
export function watchedFiles(
  watch: true | readonly string[],
  { command, args, cwd }: { command: string; args: readonly string[]; cwd: string },
): WatchedFiles | undefined {
  if (watch !== true) return { folder: cwd, globs: watch }
  const script = scriptOf(command, args)
  if (script === undefined) return undefined
  const path = resolve(cwd, script)
  return { folder: extname(path) === '' ? path : dirname(path), globs: [sources] }
}

/** The first argument that is a file or a folder, such as `go run ./cmd` has. */
function scriptOf(command: string, args: readonly string[]): string | undefined {
  if (scriptEndings.test(extname(command))) return command
  if (!runners.test(basename(command))) return undefined
  return args
    .filter((arg) => !arg.startsWith('-') && !verbs.has(arg))
    .find((arg) => scriptEndings.test(extname(arg)) || /^\.{1,2}([/\\]|$)/.test(arg))
}
