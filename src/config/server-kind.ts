import { nearestName } from '../lib/nearest-name.ts'

const httpTypes: readonly unknown[] = ['http', 'streamable-http', 'sse']

export type ServerKind =
  | { readonly ok: true; readonly kind: 'stdio' | 'http' }
  | { readonly ok: false; readonly key?: string; readonly message: string }

/** Which kind of server an entry of `mcpServers` means to be, or why it can be neither. */
export function serverKindOf(entry: unknown): ServerKind {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return { ok: false, message: 'must be an object with "command" or "url"' }
  }
  const type = 'type' in entry ? entry.type : undefined
  if (type === 'stdio') return { ok: true, kind: 'stdio' }
  if (httpTypes.includes(type)) return { ok: true, kind: 'http' }
  if (type !== undefined) {
    return { ok: false, key: 'type', message: 'must be one of stdio, http, streamable-http, sse' }
  }
  const hasCommand = 'command' in entry
  const hasUrl = 'url' in entry
  if (hasCommand && hasUrl) {
    return {
      ok: false,
      message: 'has both "command" (a program to start) and "url" (an HTTP server); keep one',
    }
  }
  if (hasCommand) return { ok: true, kind: 'stdio' }
  if (hasUrl) return { ok: true, kind: 'http' }
  const needs = 'needs "command" (a program to start) or "url" (an HTTP server)'
  return { ok: false, message: needs + misspelt(Object.keys(entry)) }
}

function misspelt(keys: readonly string[]): string {
  for (const key of keys) {
    const meant = nearestName(key, ['command', 'url'])
    if (meant !== undefined) return `; it has ${JSON.stringify(key)} (did you mean "${meant}"?)`
  }
  return ''
}
