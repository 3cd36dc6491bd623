import type { ProfileConfig } from '../config/resolved-config.ts'
import type { ServerCatalog } from './catalog.ts'
import { createToolFilter } from './tool-filter.ts'
import { exposedName, nameProblem } from './tool-names.ts'
import type {
  JsonObject,
  WirePrompt,
  WireResource,
  WireResourceTemplate,
  WireTool,
} from './wire-types.ts'

/** Where one exposed item comes from. */
export interface Origin<Item> {
  readonly server: string
  /** The item under the upstream's own name. */
  readonly item: Item
}

/** What one profile shows, and where each part of it comes from. Computed, never stored. */
export interface ProfileView {
  readonly tools: readonly WireTool[]
  readonly prompts: readonly WirePrompt[]
  readonly resources: readonly WireResource[]
  readonly resourceTemplates: readonly WireResourceTemplate[]
  readonly toolOrigins: ReadonlyMap<string, Origin<WireTool>>
  readonly promptOrigins: ReadonlyMap<string, Origin<WirePrompt>>
  readonly resourceServers: ReadonlyMap<string, string>
  readonly templateServers: readonly { readonly uriTemplate: string; readonly server: string }[]
  /** MCP server capabilities of the whole. */
  readonly capabilities: JsonObject
  readonly instructions: string | undefined
  readonly toolsByServer: ReadonlyMap<string, number>
  /** Collisions and doubtful names, as sentences. */
  readonly problems: readonly string[]
}

/**
 * Merges the catalogs of a profile's servers. A pure function of both arguments: the first server
 * in the profile's order wins a name, whatever order the servers came up in.
 */
export function createProfileView(
  profile: ProfileConfig,
  catalogs: ReadonlyMap<string, ServerCatalog>,
): ProfileView {
  const problems: string[] = []
  const known = profile.servers.flatMap((server) => {
    const catalog = catalogs.get(server)
    return catalog ? [{ server, catalog }] : []
  })
  const rules = { naming: profile.naming, serverCount: profile.servers.length }
  const filter = createToolFilter(profile.tools)

  const tools = named<WireTool>('tool', problems)
  const prompts = named<WirePrompt>('prompt', problems)
  const resources = new Map<string, Origin<WireResource>>()
  const templates = new Map<string, Origin<WireResourceTemplate>>()
  const toolsByServer = new Map<string, number>()

  for (const { server, catalog } of known) {
    let shown = 0
    for (const tool of catalog.tools) {
      if (!filter.allows(server, tool.name)) continue
      const name = filter.renamed(server, tool.name) ?? exposedName(server, tool.name, rules)
      const description = filter.described(server, tool.name)
      const exposed = { ...tool, name, ...(description !== undefined && { description }) }
      if (tools.add(name, server, tool, exposed)) shown += 1
    }
    toolsByServer.set(server, shown)
    for (const prompt of catalog.prompts) {
      const name = exposedName(server, prompt.name, rules)
      prompts.add(name, server, prompt, { ...prompt, name })
    }
    // URIs are never rewritten, as tools and prompts refer to them; a duplicate is left out.
    for (const resource of catalog.resources) {
      keepFirst(resources, resource.uri, { server, item: resource }, problems)
    }
    for (const template of catalog.resourceTemplates) {
      keepFirst(templates, template.uriTemplate, { server, item: template }, problems)
    }
  }

  return {
    tools: tools.exposed,
    toolOrigins: tools.origins,
    prompts: prompts.exposed,
    promptOrigins: prompts.origins,
    resources: [...resources.values()].map(({ item }) => item),
    resourceServers: new Map([...resources].map(([uri, { server }]) => [uri, server])),
    resourceTemplates: [...templates.values()].map(({ item }) => item),
    templateServers: [...templates].map(([uriTemplate, { server }]) => ({ uriTemplate, server })),
    capabilities: mergeCapabilities(
      known.map(({ catalog }) => catalog.capabilities),
      known.length < profile.servers.length,
    ),
    instructions: mergeInstructions(profile, known),
    toolsByServer,
    problems,
  }
}

function named<Item extends { name: string }>(kind: string, problems: string[]) {
  const origins = new Map<string, Origin<Item>>()
  const exposed: Item[] = []
  return {
    origins,
    exposed,
    add(name: string, server: string, item: Item, shown: Item): boolean {
      const taken = origins.get(name)
      if (taken) {
        problems.push(
          `The ${kind} "${item.name}" of "${server}" is left out: "${name}" is taken by "${taken.server}".`,
        )
        return false
      }
      const doubt = nameProblem(name)
      if (doubt) problems.push(`The ${kind} name "${name}" of "${server}" ${doubt}.`)
      origins.set(name, { server, item })
      exposed.push(shown)
      return true
    },
  }
}

function keepFirst<Item>(
  items: Map<string, Origin<Item>>,
  uri: string,
  origin: Origin<Item>,
  problems: string[],
): void {
  const taken = items.get(uri)
  if (!taken) items.set(uri, origin)
  else if (taken.server !== origin.server) {
    problems.push(
      `The resource ${uri} of "${origin.server}" is left out: "${taken.server}" has the same URI.`,
    )
  }
}

/**
 * The union. Tools are always announced with `listChanged`, since an edit of the configuration
 * changes them; while an upstream was never seen, whatever it may turn out to have is announced.
 */
function mergeCapabilities(all: readonly JsonObject[], someUnknown: boolean): JsonObject {
  const announced = (name: string) => someUnknown || all.some((one) => one[name] !== undefined)
  return {
    tools: { listChanged: true },
    ...(announced('resources') && { resources: { subscribe: true, listChanged: true } }),
    ...(announced('prompts') && { prompts: { listChanged: true } }),
    ...(announced('completions') && { completions: {} }),
    ...(announced('logging') && { logging: {} }),
  }
}

function mergeInstructions(
  profile: ProfileConfig,
  known: readonly { server: string; catalog: ServerCatalog }[],
): string | undefined {
  const parts = known.filter(({ catalog }) => catalog.instructions)
  if (parts.length === 0) return profile.description
  if (profile.servers.length === 1) return parts[0]?.catalog.instructions
  return parts.map(({ server, catalog }) => `## ${server}\n\n${catalog.instructions}`).join('\n\n')
}
