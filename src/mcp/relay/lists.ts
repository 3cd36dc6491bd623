import { type CatalogList, listOf } from '../profiles/catalog.ts'
import type { ProfileView } from '../profiles/profile-view.ts'
import type { UpstreamConnection } from '../upstreams/connection.ts'
import type { ServerAnswer } from '../upstreams/server-call.ts'
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

/** One list, and what a profile shows of what its servers have on it. */
interface Shelf {
  /** The member of a result that holds the items. */
  readonly key: string
  /** Whoever has such items announces this. */
  readonly capability: string
  /** What is known of a server that is not there; undefined for what nobody keeps. */
  readonly kept: ((upstream: Upstream) => readonly JsonObject[]) | undefined
  /** Each item as it was written but for what the profile calls otherwise, without what it hides. */
  readonly shown: ((upstream: Upstream, items: readonly string[]) => readonly string[]) | undefined
}

/** Whether a request is answered from the lists of servers. */
export function isList({ request }: ClientCall, upstreams: readonly Upstream[]): boolean {
  if (request.method !== 'tasks/list') return listOf(request.method) !== undefined
  return upstreams.length === 1 || upstreams.some((one) => announces(one, 'tasks'))
}

function announces(upstream: Upstream, capability: string): boolean {
  return upstream.catalog()?.handshake.capabilities[capability] !== undefined
}

function shelfFor(call: ClientCall, { view }: Listing): Shelf {
  const list = listOf(call.request.method)
  if (!list) return taskShelf(call)
  const { key, capability } = list
  return {
    key,
    capability,
    kept: (upstream) => upstream.catalog()?.[key] ?? [],
    shown: view.isPlain ? undefined : ({ name }, items) => exposeItems(view, name, list, items),
  }
}

/** The tasks that the caller had made; a server with one client alone has no others. */
function taskShelf({ session, owner }: ClientCall): Shelf {
  const isOfCaller = (upstream: Upstream, item: string) => {
    const read: unknown = JSON.parse(item)
    return isJsonObject(read) && upstream.tasks.isOf(read.taskId, owner.taskOwner)
  }
  return {
    key: 'tasks',
    capability: 'tasks',
    kept: undefined,
    shown: (upstream, items) =>
      session && upstream.isolates(session)
        ? items
        : items.filter((item) => isOfCaller(upstream, item)),
  }
}

/**
 * Answers a list of a profile. A server that is there is asked, so that its page passes as it is, with
 * its cursor and whatever it says beside; the catalog stands in for one that is not. The pages of a union
 * are those of its servers, one server after the other.
 */
export async function answerList(call: ClientCall, listing: Listing): Promise<void> {
  const shelf = shelfFor(call, listing)
  const { key, kept, shown } = shelf
  const [only] = listing.upstreams
  if (!only) return call.answer({ kind: 'result', body: ownResult(call, listing, key, []) })
  if (listing.upstreams.length > 1) return answerUnion(call, listing, shelf)
  const keptResult = kept && (() => ownResult(call, listing, key, keptItems(shelf, only)))
  if (keptResult && !(await connectionFor(only, call))) {
    return call.answer({ kind: 'result', body: keptResult() })
  }
  const translate = (result: string) => {
    const items = memberText(result, key)
    if (items === undefined || !shown) return result
    return editObject(result, { [key]: `[${shown(only, elementsOf(items)).join(',')}]` })
  }
  listing.relay.forward(
    {
      upstream: only,
      params: paramsText(call.request),
      name: undefined,
      kept: keptResult,
      ...(shown && { translate }),
    },
    call,
  )
}

/** What stands in for the page of a server that is not there. */
function keptItems({ kept, shown }: Shelf, upstream: Upstream): readonly string[] {
  const items = (kept?.(upstream) ?? []).map((item) => JSON.stringify(item))
  return shown ? shown(upstream, items) : items
}

/** The connection to ask; undefined where listing would have to wake the server. */
async function connectionFor(upstream: Upstream, { session }: ClientCall) {
  const ready = upstream.ready(session)
  if (ready) return ready
  const isUp = upstream.status().state === 'up'
  return isUp ? upstream.connection(session).catch(() => undefined) : undefined
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
  key: string,
  items: readonly string[],
  nextCursor?: string,
): string {
  const cursor = nextCursor === undefined ? '' : `,"nextCursor":${JSON.stringify(nextCursor)}`
  const result = `{"${key}":[${items.join(',')}]${cursor}}`
  return call.era === 'legacy' ? result : resultIn(call, result, serverInfo)
}

async function answerUnion(call: ClientCall, listing: Listing, shelf: Shelf): Promise<void> {
  const { key } = shelf
  const from = readCursor(call.request.params?.cursor, listing.upstreams)
  if (!from) return refuse(call, new RpcError(rpcCodes.invalidParams, 'Invalid cursor'))
  const rest = listing.upstreams.slice(from.index)
  // All are asked at once; the first that has more pages ends this one.
  const pages = await Promise.all(
    rest.map((upstream, index) =>
      readPage(upstream, call, shelf, index === 0 ? from.cursor : undefined),
    ),
  )
  const items: string[] = []
  for (const [index, page] of pages.entries()) {
    if (page instanceof RpcError) return refuse(call, page)
    items.push(...page.items)
    const { name } = rest[index] as Upstream
    if (page.nextCursor === undefined) continue
    const next = writeCursor({ server: name, cursor: page.nextCursor })
    return call.answer({ kind: 'result', body: ownResult(call, listing, key, items, next) })
  }
  call.answer({ kind: 'result', body: ownResult(call, listing, key, items) })
}

interface Page {
  readonly items: readonly string[]
  readonly nextCursor: string | undefined
}

/** One page of a server's; what was kept of it where it is not there, or takes too long. */
async function readPage(
  upstream: Upstream,
  call: ClientCall,
  shelf: Shelf,
  cursor: string | undefined,
): Promise<Page | RpcError> {
  const kept = () => ({ items: keptItems(shelf, upstream), nextCursor: undefined })
  const connection = announces(upstream, shelf.capability)
    ? await connectionFor(upstream, call)
    : undefined
  if (!connection) return kept()
  const answer = await ask(connection, upstream, call, cursor)
  if (answer === undefined) return kept()
  if (answer.kind === 'error') {
    // A list that fails hides itself alone; but a cursor is refused by whoever gave it.
    return cursor === undefined ? kept() : new RpcError(rpcCodes.invalidParams, 'Invalid cursor')
  }
  const { nextCursor } = isJsonObject(answer.value) ? answer.value : {}
  const items = elementsOf(memberText(answer.body, shelf.key) ?? '[]')
  return {
    items: shelf.shown ? shelf.shown(upstream, items) : items,
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
