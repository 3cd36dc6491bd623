import picomatch from 'picomatch'
import { baseScope } from '../policy.ts'

/** A tool as scope rules see it: its server and its name there, and what it says of itself. */
export interface ScopedTool {
  readonly server: string
  readonly name: string
  readonly annotations?: { readonly readOnlyHint?: boolean; readonly destructiveHint?: boolean }
}

/** A scope, and the tools that need it: by globs (`tool` or `server/tool`) or by annotation. */
export interface ToolScopeRule {
  readonly scope: string
  readonly tools: readonly string[]
  readonly annotations: readonly ToolNature[]
}

type ToolNature = 'read-only' | 'writing' | 'destructive'

/** Decides which scopes a call of a tool needs; the base scope is always among them. */
type RequiredScopes = (tool: ScopedTool) => string[]

/** Compiles a profile's rules. Every rule that matches adds its scope. */
export function createRequiredScopes(rules: readonly ToolScopeRule[]): RequiredScopes {
  const compiled = rules.map(({ scope, tools, annotations }) => ({
    scope,
    globs: tools.map(compileGlob),
    annotations,
  }))
  return (tool) => {
    const natures = naturesOf(tool)
    const own = compiled
      .filter(
        ({ globs, annotations }) =>
          globs.some((matches) => matches(tool)) ||
          annotations.some((nature) => natures.includes(nature)),
      )
      .map(({ scope }) => scope)
    return [...new Set([baseScope, ...own])]
  }
}

/** Every scope of a profile, as `scopes_supported` lists it. */
export function allScopes(rules: readonly ToolScopeRule[]): string[] {
  return [...new Set([baseScope, ...rules.map(({ scope }) => scope)])]
}

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

/** MCP, ToolAnnotations: a tool that does not say so writes, and a writing tool may destroy. */
function naturesOf({ annotations }: ScopedTool): ToolNature[] {
  if (annotations?.readOnlyHint === true) return ['read-only']
  return annotations?.destructiveHint === false ? ['writing'] : ['writing', 'destructive']
}

function compileGlob(glob: string): (tool: ScopedTool) => boolean {
  const matches = picomatch(glob, { dot: true })
  return glob.includes('/')
    ? ({ server, name }) => matches(`${server}/${name}`)
    : ({ name }) => matches(name)
}
