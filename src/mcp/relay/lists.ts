import type { CatalogList, ServerCatalog } from '../profiles/catalog.ts'
import { listOf } from '../profiles/catalog.ts'
import type { ProfileView } from '../profiles/profile-view.ts'
import type { ServerAnswer, UpstreamConnection } from '../upstreams/connection.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { editObject, elementsOf, memberText } from '../wire/json-text.ts'
import { isJsonObject, type JsonObject, paramsText, progressTokenOf } from '../wire/message.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { RpcError } from '../wire/rpc-error.ts'
import { type ClientCall, refuse } from './client-call.ts'
import { bridged, paramsFor, type Relay, resultIn } from './relay.ts'
import { exposeUris } from './route.ts'

/** How long a list of several servers waits for one of them that was seen before, ms. */
const patienceMs = 5_000

/** What a list is made of. */
export interface Listing {
  readonly view: ProfileView
  readonly upstreams: readonly Upstream[]
  readonly relay: Relay
  readonly serverInfo: JsonObject
}

/**
 * Answers a list of a profile. A server that is there is asked, so that its page passes as it is, with
 * its cursor and whatever it says beside; the catalog stands in for one that is not. The pages of a union
 * are those of its servers, one server after the other.
 */
export async function answerList(call: ClientCall, listing: Listing): Promise<void> {
  const list = listOf(call.request.method)
  const [only] = listing.upstreams
  if (!list) return
  if (!only) return call.answer({ kind: 'result', body: ownResult(call, listing, list, []) })
  if (listing.upstreams.length > 1) return answerUnion(call, listing, list)
  const { view } = listing
  const kept = () => {
    const items = itemsOf(only.catalog(), list).map((item) => JSON.stringify(item))
    return ownResult(call, listing, list, exposeItems(view, only.name, list, items))
  }
  const connection = await connectionFor(only, call)
  if (!connection) return call.answer({ kind: 'result', body: kept() })
  listing.relay.forward(
    {
      upstream: only,
      params: paramsText(call.request),
      name: undefined,
      kept,
      ...(!view.isPlain && { translate: (result) => exposeList(view, only.name, list, result) }),
    },
    call,
  )
}

/** The connection to ask; undefined where listing would have to wake the server. */
async function connectionFor(upstream: Upstream, { session }: ClientCall) {
  const ready = upstream.ready(session)
  if (ready) return ready
  const isUp = upstream.status().state === 'up'
  return isUp ? upstream.connection(session).catch(() => undefined) : undefined
}

function itemsOf(catalog: ServerCatalog | undefined, list: CatalogList): readonly JsonObject[] {
  return catalog?.[list.key] ?? []
}

/** A server's result under the names of the profile, without what it hides. */
function exposeList(view: ProfileView, server: string, list: CatalogList, result: string): string {
  const items = memberText(result, list.key)
  if (items === undefined) return result
  const shown = exposeItems(view, server, list, elementsOf(items))
  return editObject(result, { [list.key]: `[${shown.join(',')}]` })
}

/** Each item as it was written but for what the profile calls otherwise. */
function exposeItems(
  view: ProfileView,
  server: string,
  list: CatalogList,
  items: readonly string[],
): string[] {
  if (list.kind === 'resources') return items.map((item) => exposeUris(view, server, item))
  const { kind } = list
  return items.flatMap((item) => {
    const read: unknown = JSON.parse(item)
    const name = isJsonObject(read) ? read.name : undefined
    const exposed = typeof name === 'string' ? view.exposed(kind, server, name) : undefined
    if (exposed === undefined) return []
    const description = kind === 'tools' ? view.described(server, String(name)) : undefined
    if (exposed === name && description === undefined) return [item]
    return editObject(item, {
      name: JSON.stringify(exposed),
      ...(description !== undefined && { description: JSON.stringify(description) }),
    })
  })
}

function ownResult(
  call: ClientCall,
  { serverInfo }: Listing,
  { key }: CatalogList,
  items: readonly string[],
  nextCursor?: string,
): string {
  const cursor = nextCursor === undefined ? '' : `,"nextCursor":${JSON.stringify(nextCursor)}`
  const result = `{"${key}":[${items.join(',')}]${cursor}}`
  return call.era === 'legacy' ? result : resultIn(call, result, serverInfo)
}

async function answerUnion(call: ClientCall, listing: Listing, list: CatalogList): Promise<void> {
  const from = readCursor(call.request.params?.cursor, listing.upstreams)
  if (!from) return refuse(call, new RpcError(rpcCodes.invalidParams, 'Invalid cursor'))
  const rest = listing.upstreams.slice(from.index)
  // All are asked at once; the first that has more pages ends this one.
  const pages = await Promise.all(
    rest.map((upstream, index) =>
      readPage(upstream, call, list, index === 0 ? from.cursor : undefined),
    ),
  )
  const items: string[] = []
  for (const [index, page] of pages.entries()) {
    const upstream = rest[index] as Upstream
    if (page instanceof RpcError) return refuse(call, page)
    items.push(...exposeItems(listing.view, upstream.name, list, page.items))
    if (page.nextCursor === undefined) continue
    const next = writeCursor({ server: upstream.name, cursor: page.nextCursor })
    return call.answer({ kind: 'result', body: ownResult(call, listing, list, items, next) })
  }
  call.answer({ kind: 'result', body: ownResult(call, listing, list, items) })
}

interface Page {
  readonly items: readonly string[]
  readonly nextCursor: string | undefined
}

/** One page of a server's; of its catalog where it is not there, or takes too long. */
async function readPage(
  upstream: Upstream,
  call: ClientCall,
  list: CatalogList,
  cursor: string | undefined,
): Promise<Page | RpcError> {
  const kept = () => ({
    items: itemsOf(upstream.catalog(), list).map((item) => JSON.stringify(item)),
    nextCursor: undefined,
  })
  const announced = upstream.catalog()?.handshake.capabilities[list.capability] !== undefined
  const connection = announced ? await connectionFor(upstream, call) : undefined
  if (!connection) return kept()
  const answer = await ask(connection, upstream, call, cursor)
  if (answer === undefined) return kept()
  if (answer.kind === 'error') {
    // A list that fails hides itself alone; but a cursor is refused by whoever gave it.
    return cursor === undefined ? kept() : new RpcError(rpcCodes.invalidParams, 'Invalid cursor')
  }
  const { nextCursor } = isJsonObject(answer.value) ? answer.value : {}
  return {
    items: elementsOf(memberText(answer.body, list.key) ?? '[]'),
    nextCursor: typeof nextCursor === 'string' ? nextCursor : undefined,
  }
}

function ask(
  connection: UpstreamConnection,
  upstream: Upstream,
  call: ClientCall,
  cursor: string | undefined,
): Promise<ServerAnswer | undefined> {
  const { request } = call
  const params = paramsFor(connection, { params: paramsText(request), upstream }, call, {
    cursor: JSON.stringify(cursor),
  })
  const hasProgress = progressTokenOf(request.params) !== undefined
  return new Promise((resolve) => {
    connection.call(
      { method: request.method, params, hasProgress, timeoutMs: patienceMs },
      {
        owner: call.owner,
        answered: (answer) =>
          resolve({ ...answer, ...bridged(connection, call, answer) } as ServerAnswer),
        failed: () => resolve(undefined),
        progress: () => {},
      },
    )
  })
}

function writeCursor(at: { server: string; cursor: string }): string {
  return Buffer.from(JSON.stringify([at.server, at.cursor])).toString('base64url')
}

/** Where a union goes on. @returns undefined for a cursor that is none of ours */
function readCursor(
  value: unknown,
  upstreams: readonly Upstream[],
): { index: number; cursor: string | undefined } | undefined {
  if (value === undefined) return { index: 0, cursor: undefined }
  if (typeof value !== 'string') return undefined
  try {
    const parts: unknown = JSON.parse(Buffer.from(value, 'base64url').toString('utf8'))
    const [server, cursor] = Array.isArray(parts) ? (parts as unknown[]) : []
    const index = upstreams.findIndex(({ name }) => name === server)
    return index >= 0 && typeof cursor === 'string' ? { index, cursor } : undefined
  } catch {
    // Not ours: the caller says so.
    return undefined
  }
}
