export interface Expansion {
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
export function expandVariables(
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
