import type { ProfileConfig } from '../../config/resolved-config.ts'
import { isJsonObject, type JsonObject } from '../wire/message.ts'
import { type Era, metaKeys } from '../wire/protocol.ts'
import type { ServerCatalog } from './catalog.ts'

/** What a profile says of itself: the answer to `initialize`, or to `server/discover`. */
export interface ProfileIdentity {
  readonly serverInfo: JsonObject
  readonly capabilities: JsonObject
  readonly instructions: string | undefined
  /** Further fields of a server that stands alone. */
  readonly others: JsonObject
}

/** Lists that an edit of the configuration changes, so that we can always announce it. */
const changing = ['tools', 'resources', 'prompts'] as const
/** Between the client and whoever it speaks to; not the server's to say. */
const ownFields = ['protocolVersion', 'supportedVersions', 'resultType'] as const
/** What 2025 has no such thing as. */
const modernFields = ['ttlMs', 'cacheScope'] as const

/**
 * A profile of one server is that server, with `listChanged` beside its lists; a profile of several is
 * their union. While a server was never seen, whatever it may turn out to have is announced.
 */
export function identityOf(
  profile: ProfileConfig,
  options: {
    catalogs: ReadonlyMap<string, ServerCatalog>
    version: string
    /** Of the client: what is of one era only is not announced in the other. */
    era: Era
  },
): ProfileIdentity {
  const known = profile.servers.flatMap((server) => {
    const catalog = options.catalogs.get(server)
    return catalog ? [{ server, catalog }] : []
  })
  const title = `Sallyport: ${profile.name}`
  const gateway = { name: 'sallyport', title, version: options.version }
  const capabilities = unionOf(
    known.map(({ catalog }) => capabilitiesOf(catalog, options.era)),
    known.length < profile.servers.length,
  )
  const only = profile.servers.length === 1 ? known[0]?.catalog.handshake : undefined
  if (!only) {
    return {
      serverInfo: gateway,
      capabilities,
      instructions: instructionsOf(profile, known),
      others: {},
    }
  }
  const { serverInfo, capabilities: _own, instructions, _meta, ...others } = only
  const dropped = options.era === 'legacy' ? [...ownFields, ...modernFields] : ownFields
  for (const field of dropped) delete others[field]
  const { [metaKeys.serverInfo]: _info, ...meta } = isJsonObject(_meta) ? _meta : {}
  if (Object.keys(meta).length > 0) others._meta = meta
  return {
    serverInfo: isJsonObject(serverInfo) ? serverInfo : gateway,
    capabilities,
    instructions: typeof instructions === 'string' ? instructions : profile.description,
    others,
  }
}

/** Tasks of 2025-11-25 and of 2026-07-28 (an extension) are not the same thing. */
function capabilitiesOf({ era, handshake }: ServerCatalog, client: Era): JsonObject {
  const { tasks, ...rest } = handshake.capabilities
  return tasks !== undefined && era === client ? { ...rest, tasks } : rest
}

function unionOf(all: readonly JsonObject[], someUnknown: boolean): JsonObject {
  const union: JsonObject = someUnknown
    ? { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {}, completions: {} }
    : {}
  for (const one of all)
    for (const [key, value] of Object.entries(one)) union[key] = merge(union[key], value)
  // A profile without a tool of today may have one after the next edit.
  if (all.length !== 1) union.tools = merge(union.tools, {})
  for (const key of changing) {
    if (isJsonObject(union[key])) union[key] = { ...union[key], listChanged: true }
  }
  return union
}

function merge(left: unknown, right: unknown): unknown {
  if (!isJsonObject(left) || !isJsonObject(right))
    return left === undefined || left === false ? right : left
  const merged: JsonObject = { ...left }
  for (const [key, value] of Object.entries(right)) merged[key] = merge(merged[key], value)
  return merged
}

function instructionsOf(
  profile: ProfileConfig,
  known: readonly { server: string; catalog: ServerCatalog }[],
): string | undefined {
  const parts = known.filter(({ catalog }) => catalog.handshake.instructions)
  if (parts.length === 0) return profile.description
  return parts
    .map(({ server, catalog }) => `## ${server}\n\n${catalog.handshake.instructions}`)
    .join('\n\n')
}
