import type { RequiredScopes, ScopedTool } from './tool-scopes.ts'

/**
 * The scopes that calling all of those tools needs. A name that is no tool yet may become one before
 * the call is made, so it needs every scope there is.
 */
export function scopesOfTools(
  names: readonly string[],
  options: {
    required: RequiredScopes
    every: readonly string[]
    /** The tool behind a name clients use; undefined when the profile has none of that name. */
    tool: (name: string) => ScopedTool | undefined
  },
): string[] {
  const scopes = names.flatMap((name) => {
    const tool = options.tool(name)
    return tool ? options.required(tool) : options.every
  })
  return [...new Set(scopes)]
}
