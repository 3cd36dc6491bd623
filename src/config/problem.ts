/** One thing that is wrong with a file, in words for the person who wrote it. */
export interface Problem {
  /** Keys and indexes from the root of the file. */
  readonly path: readonly (string | number)[]
  /** Continues a sentence that starts with the path; never holds a value of the file. */
  readonly message: string
}

/** Takes a problem in; resolvers report and go on, so that one run finds everything. */
export type ReportProblem = (path: Problem['path'], message: string) => void

/** Writes a path as a person would: `mcpServers.github.args[0]`, `mcpServers["a.b"].url`. */
export function formatPath(path: Problem['path']): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[\w$-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}
