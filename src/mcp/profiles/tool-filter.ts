import picomatch from 'picomatch'
import type { ProfileConfig } from '../../config/resolved-config.ts'

type ToolRules = ProfileConfig['tools']

/**
 * Decides which tools of which server a profile shows, and what it calls and says of them. A reference in
 * its rules is `tool` (of any server) or `server/tool`.
 */
export function createToolFilter(rules: ToolRules) {
  const allow = rules.allow.map(compileReference)
  const deny = rules.deny.map(compileReference)
  return {
    allows(server: string, tool: string): boolean {
      if (deny.some((matches) => matches(server, tool))) return false
      return allow.length === 0 || allow.some((matches) => matches(server, tool))
    },
    /** The configured name, or undefined to use the ordinary one. */
    renamed: (server: string, tool: string) => lookUp(rules.rename, server, tool),
    described: (server: string, tool: string) => lookUp(rules.describe, server, tool),
    /** Whether there are no rules, so that every tool is shown as it is. */
    isEmpty:
      allow.length + deny.length === 0 &&
      Object.keys(rules.rename).length + Object.keys(rules.describe).length === 0,
  }
}

function compileReference(reference: string): (server: string, tool: string) => boolean {
  const matches = picomatch(reference, { dot: true })
  return reference.includes('/')
    ? (server, tool) => matches(`${server}/${tool}`)
    : (_server, tool) => matches(tool)
}

/** The narrower reference wins: `server/tool` before `tool`. */
function lookUp(table: Readonly<Record<string, string>>, server: string, tool: string) {
  const own = (key: string) => (Object.hasOwn(table, key) ? table[key] : undefined)
  return own(`${server}/${tool}`) ?? own(tool)
}
