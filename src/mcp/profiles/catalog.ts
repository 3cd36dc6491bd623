import { isJsonObject, type JsonObject } from '../wire/message.ts'
import { type Era, rpcCodes } from '../wire/protocol.ts'

/** Everything one upstream offers, as it said it. Kept in the store, so listing wakes nothing. */
export interface ServerCatalog {
  readonly era: Era
  /** Its answer to `initialize` or `server/discover`. */
  readonly handshake: JsonObject & { readonly capabilities: JsonObject }
  readonly tools: readonly NamedItem[]
  readonly resources: readonly JsonObject[]
  readonly resourceTemplates: readonly JsonObject[]
  readonly prompts: readonly NamedItem[]
  /** Lists that could not be read, by method, and why. */
  readonly failures: Readonly<Record<string, string>>
}

export interface NamedItem extends JsonObject {
  readonly name: string
}

export type CatalogKind = 'tools' | 'resources' | 'prompts'

/** The MCP list behind each part of a catalog, and the capability that announces it. */
export const catalogLists = [
  { key: 'tools', kind: 'tools', method: 'tools/list', capability: 'tools' },
  { key: 'resources', kind: 'resources', method: 'resources/list', capability: 'resources' },
  {
    key: 'resourceTemplates',
    kind: 'resources',
    method: 'resources/templates/list',
    capability: 'resources',
  },
  { key: 'prompts', kind: 'prompts', method: 'prompts/list', capability: 'prompts' },
] as const

export type CatalogList = (typeof catalogLists)[number]

export const listOf = (method: string): CatalogList | undefined =>
  catalogLists.find((list) => list.method === method)

export const emptyCatalog: ServerCatalog = {
  era: 'legacy',
  handshake: { capabilities: {} },
  tools: [],
  resources: [],
  resourceTemplates: [],
  prompts: [],
  failures: {},
}

/** A server whose cursor never ends is cut off here. */
const maxPages = 100

/** Reads one list, page by page. @throws whatever `ask` throws */
export async function fetchList(
  ask: (params: JsonObject) => Promise<JsonObject>,
  { method, key }: CatalogList,
): Promise<JsonObject[]> {
  const items: JsonObject[] = []
  let cursor: unknown
  for (let page = 0; page < maxPages; page += 1) {
    const result = await ask(cursor === undefined ? {} : { cursor }).catch((error: unknown) => {
      // A server that announces resources may still know no templates: that is an empty list.
      const isUnknown = (error as { code?: unknown }).code === rpcCodes.methodNotFound
      if (method === 'resources/templates/list' && isUnknown) return {} as JsonObject
      throw error
    })
    const found = result[key]
    if (Array.isArray(found)) items.push(...found.filter(isUsable[key]))
    const next = result.nextCursor
    if (typeof next !== 'string' || next === cursor) break
    cursor = next
  }
  return items
}

/** What has no name cannot be asked for. */
const isUsable: Record<CatalogList['key'], (item: unknown) => boolean> = {
  tools: (item) => isJsonObject(item) && typeof item.name === 'string',
  prompts: (item) => isJsonObject(item) && typeof item.name === 'string',
  resources: (item) => isJsonObject(item) && typeof item.uri === 'string',
  resourceTemplates: (item) => isJsonObject(item) && typeof item.uriTemplate === 'string',
}
