import type {
  JsonObject,
  WirePrompt,
  WireRequest,
  WireResource,
  WireResourceTemplate,
  WireResult,
  WireTool,
} from './wire-types.ts'

/** Everything one upstream offers, as it said it. Kept in the store, so listing wakes nothing. */
export interface ServerCatalog {
  readonly capabilities: JsonObject
  readonly instructions?: string
  readonly tools: readonly WireTool[]
  readonly resources: readonly WireResource[]
  readonly resourceTemplates: readonly WireResourceTemplate[]
  readonly prompts: readonly WirePrompt[]
}

export type CatalogKind = 'tools' | 'resources' | 'prompts'

/** The MCP list behind each part of a catalog, and the capability that announces it. */
const lists = [
  { key: 'tools', method: 'tools/list', capability: 'tools' },
  { key: 'resources', method: 'resources/list', capability: 'resources' },
  { key: 'resourceTemplates', method: 'resources/templates/list', capability: 'resources' },
  { key: 'prompts', method: 'prompts/list', capability: 'prompts' },
] as const

/** A server whose cursor never ends is cut off here. */
const maxPages = 100

/** Reads a whole catalog, page by page; lists the upstream does not announce are empty. */
export async function fetchCatalog(upstream: {
  capabilities: JsonObject
  instructions: string | undefined
  request: (request: WireRequest) => Promise<WireResult>
}): Promise<ServerCatalog> {
  const entries = await Promise.all(
    lists.map(async ({ key, method, capability }) => {
      const announced = upstream.capabilities[capability] !== undefined
      return [key, announced ? await fetchList(upstream.request, method, key) : []] as const
    }),
  )
  return {
    capabilities: upstream.capabilities,
    ...(upstream.instructions !== undefined && { instructions: upstream.instructions }),
    ...(Object.fromEntries(entries) as unknown as Pick<
      ServerCatalog,
      (typeof lists)[number]['key']
    >),
  }
}

async function fetchList(
  request: (request: WireRequest) => Promise<WireResult>,
  method: string,
  key: string,
): Promise<JsonObject[]> {
  const items: JsonObject[] = []
  let cursor: unknown
  for (let page = 0; page < maxPages; page += 1) {
    const result = await request({ method, params: cursor === undefined ? {} : { cursor } }).catch(
      (error: unknown) => {
        // A server that announces resources may still know no templates: that is an empty list.
        if (method === 'resources/templates/list' && isMethodNotFound(error))
          return {} as WireResult
        throw error
      },
    )
    if (Array.isArray(result[key])) items.push(...(result[key] as JsonObject[]))
    const next = result.nextCursor
    if (typeof next !== 'string' || next === cursor) break
    cursor = next
  }
  return items
}

function isMethodNotFound(error: unknown): boolean {
  return (error as { code?: unknown }).code === -32601
}

/** Which kinds of list differ between two catalogs. */
export function changedKinds(
  before: ServerCatalog | undefined,
  after: ServerCatalog,
): ReadonlySet<CatalogKind> {
  const changed = new Set<CatalogKind>()
  const differs = (key: (typeof lists)[number]['key']) =>
    JSON.stringify(before?.[key] ?? []) !== JSON.stringify(after[key])
  if (differs('tools')) changed.add('tools')
  if (differs('resources') || differs('resourceTemplates')) changed.add('resources')
  if (differs('prompts')) changed.add('prompts')
  return changed
}
