import type { ProfileConfig } from '../../config/resolved-config.ts'
import type { JsonObject } from '../wire/message.ts'
import type { NamedItem, ServerCatalog } from './catalog.ts'
import { createToolFilter } from './tool-filter.ts'
import { exposedName, nameProblem, serverPrefix } from './tool-names.ts'
import { matchesTemplate } from './uri-template.ts'

/** Where one exposed item comes from. */
interface Origin {
  readonly server: string
  /** Its name there. */
  readonly name: string
  /** What its server last said of it; undefined when it was never listed. */
  readonly item: JsonObject | undefined
}

type NamedKind = 'tools' | 'prompts'

/**
 * What one profile shows, and where each part of it comes from. Computed from the configuration and the
 * catalogs, never stored. Names that no catalog has are decided by the configuration alone: a server may
 * have more than it listed.
 */
export interface ProfileView {
  /** The tool a client means by `name`; undefined when the profile shows none of that name. */
  tool(name: string): Origin | undefined
  prompt(name: string): Origin | undefined
  /** What clients call an item of a server's, or undefined where it is hidden. */
  exposed(kind: NamedKind, server: string, name: string): string | undefined
  /** The description clients see instead of the server's own. */
  described(server: string, tool: string): string | undefined
  /** The URI under which a profile shows a server's: its own, but where two servers have the same. */
  exposedUri(server: string, uri: string): string
  /** The servers that may have a URI, in order, and what each calls it. */
  serversOfUri(uri: string): { server: string; uri: string }[]
  /** Whether a server's URIs are shown under other names, so that its answers must be too. */
  rewritesUris(server: string): boolean
  /** Whether a server's items pass as they are, under their own names. */
  readonly isPlain: boolean
  readonly tools: readonly { readonly name: string; readonly server: string }[]
  readonly counts: { readonly resources: number; readonly prompts: number }
  /** Collisions and doubtful names, as sentences. */
  readonly problems: readonly string[]
}

/**
 * Merges the catalogs of a profile's servers. A pure function of its arguments: the first server
 * in the profile's order wins a name, whatever order the servers came up in.
 */
export function createProfileView(
  profile: ProfileConfig,
  catalogs: ReadonlyMap<string, ServerCatalog>,
): ProfileView {
  const { servers } = profile
  const rules = { naming: profile.naming, serverCount: servers.length }
  const filter = createToolFilter(profile.tools)
  const problems: string[] = []
  const known = servers.flatMap((server) => {
    const catalog = catalogs.get(server)
    return catalog ? [{ server, catalog }] : []
  })

  const nameOf = (kind: NamedKind, server: string, name: string) =>
    (kind === 'tools' ? filter.renamed(server, name) : undefined) ??
    exposedName(server, name, rules)
  const isShown = (kind: NamedKind, server: string, name: string) =>
    kind === 'prompts' || filter.allows(server, name)

  const origins = { tools: collectNames('tools'), prompts: collectNames('prompts') }
  const uris = collectUris(known)

  function collectNames(kind: NamedKind): ReadonlyMap<string, Origin> {
    const found = new Map<string, Origin>()
    const noun = kind === 'tools' ? 'tool' : 'prompt'
    for (const { server, catalog } of known) {
      for (const item of catalog[kind] as readonly NamedItem[]) {
        if (!isShown(kind, server, item.name)) continue
        const name = nameOf(kind, server, item.name)
        const taken = found.get(name)
        if (taken) {
          problems.push(
            `The ${noun} "${item.name}" of "${server}" is left out: "${name}" is taken by "${taken.server}".`,
          )
          continue
        }
        const doubt = nameProblem(name)
        if (doubt) problems.push(`The ${noun} name "${name}" of "${server}" ${doubt}.`)
        found.set(name, { server, name: item.name, item })
      }
    }
    return found
  }

  /** What a name means that no catalog has: the configuration says whose it would be. */
  function unlisted(kind: NamedKind, name: string): Origin | undefined {
    for (const server of servers) {
      const prefix = exposedName(server, '', rules)
      if (!name.startsWith(prefix)) continue
      const own = name.slice(prefix.length)
      // Without prefixes nothing says which of several servers is meant.
      if (prefix === '' && servers.length > 1) return undefined
      const isSame = nameOf(kind, server, own) === name && isShown(kind, server, own)
      if (own !== '' && isSame) return { server, name: own, item: undefined }
    }
    return undefined
  }

  const serversOfUri: ProfileView['serversOfUri'] = (uri) => {
    const own = servers.find((server) => uri.startsWith(serverPrefix(server)))
    if (own !== undefined && servers.length > 1) {
      const inner = uri.slice(serverPrefix(own).length)
      if (
        uris.colliding.has(inner) ||
        uris.templates.some((one) => matchesTemplate(one.template, inner))
      ) {
        return [{ server: own, uri: inner }]
      }
    }
    const isTemplate = uris.templates.some(({ template }) => template === uri)
    // Nothing says which of them is meant, and the wrong one would answer.
    if (uris.colliding.has(uri) && !isTemplate) return []
    const listed = uris.listed.get(uri)
    if (listed !== undefined) return [{ server: listed, uri }]
    const fitting = uris.templates.filter(
      ({ template }) => template === uri || matchesTemplate(template, uri),
    )
    const found = fitting.length > 0 ? fitting.map(({ server }) => server) : servers
    return [...new Set(found)].map((server) => ({ server, uri }))
  }

  return {
    tool: (name) => origins.tools.get(name) ?? unlisted('tools', name),
    prompt: (name) => origins.prompts.get(name) ?? unlisted('prompts', name),
    exposed(kind, server, name) {
      if (!isShown(kind, server, name)) return undefined
      const exposed = nameOf(kind, server, name)
      const taken = origins[kind].get(exposed)
      return taken && (taken.server !== server || taken.name !== name) ? undefined : exposed
    },
    described: filter.described,
    exposedUri: (server, uri) => (uris.isElsewhere(server, uri) ? serverPrefix(server) + uri : uri),
    serversOfUri,
    rewritesUris: () => uris.colliding.size > 0,
    isPlain: servers.length === 1 && profile.naming !== 'prefix' && filter.isEmpty,
    tools: [...origins.tools].map(([name, { server }]) => ({ name, server })),
    counts: { resources: uris.count, prompts: origins.prompts.size },
    problems: [...problems, ...listProblems(known)],
  }
}

type Known = readonly { readonly server: string; readonly catalog: ServerCatalog }[]

function collectUris(known: Known) {
  const listed = new Map<string, string>()
  const colliding = new Set<string>()
  const templates: { template: string; server: string }[] = []
  const owners = new Map<string, Set<string>>()
  let count = 0
  for (const { server, catalog } of known) {
    for (const resource of catalog.resources) {
      const uri = String(resource.uri)
      const taken = listed.get(uri)
      if (taken !== undefined && taken !== server) colliding.add(uri)
      else listed.set(uri, server)
      count += 1
    }
    for (const { uriTemplate } of catalog.resourceTemplates) {
      const template = String(uriTemplate)
      const all = owners.get(template) ?? new Set()
      owners.set(template, all.add(server))
      if (all.size > 1) colliding.add(template)
      templates.push({ template, server })
    }
  }
  for (const uri of colliding) listed.delete(uri)
  const shared = [...owners].filter(([, { size }]) => size > 1)
  /** Whether another server has the same URI as well, or may make one of the same template. */
  const isElsewhere = (server: string, uri: string) =>
    colliding.has(uri) ||
    (listed.get(uri) !== server &&
      shared.some(([template, all]) => all.has(server) && matchesTemplate(template, uri)))
  return { listed, colliding, templates, count, isElsewhere }
}

function listProblems(known: Known): string[] {
  return known.flatMap(({ server, catalog }) =>
    Object.entries(catalog.failures ?? {}).map(
      ([method, reason]) => `"${server}" does not answer ${method}: ${reason}`,
    ),
  )
}
