import { baseScope } from '../policy.ts'
import type { RequiredScopes, ScopedTool } from './tool-scopes.ts'

/** The scopes that a JSON-RPC message, or a batch of them, needs: those of every tool it calls. */
export function scopesOfMessage(
  message: unknown,
  options: {
    required: RequiredScopes
    /** The tool behind a name clients use; undefined when the profile has none of that name. */
    tool: (name: string) => ScopedTool | undefined
  },
): string[] {
  const calls = [message].flat().flatMap((one) => toolNameOf(one) ?? [])
  const scopes = calls.flatMap((name) => {
    const tool = options.tool(name)
    return tool ? options.required(tool) : []
  })
  return [...new Set([baseScope, ...scopes])]
}

function toolNameOf(message: unknown): string | undefined {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } }
  return method === 'tools/call' && typeof params?.name === 'string' ? params.name : undefined
}
