import {
  createGuardedFetch,
  type GuardedFetch,
  type ResolveAddresses,
} from '../../lib/guarded-fetch.ts'
import { isGiven, redirectUriProblem } from './registration.ts'

/** What oidc-provider fetches with: metadata documents and key sets that strangers name. */
type DocumentFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

const timeoutMs = 2_500
/** A document that answers proves that the outside can be reached; Claude Code identifies by it. */
const probedDocument = 'https://claude.ai/oauth/claude-code-client-metadata'

/**
 * A fetch for addresses that a stranger chose: https only, no redirects, no address that is not
 * public, checked on the address that is connected to, bounded in time and size.
 */
export function createStrangersFetch(options: { resolve?: ResolveAddresses } = {}): GuardedFetch {
  return createGuardedFetch({
    ...options,
    // No server of the user's is involved, so no origin is exempt from the check.
    serverUrl: 'about:blank',
    zones: new Set(['public']),
    named: 'a client named for its metadata',
    timeoutMs,
  })
}

/** Adapts it to oidc-provider, and puts client metadata documents into the form it accepts. */
export function createDocumentFetch(
  fetch: GuardedFetch,
  redirectSchemes: readonly string[],
): DocumentFetch {
  return async (url, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers))
    const response = await fetch(url, { headers })
    if (response.status !== 200) return response
    const text = await response.text()
    return new Response(acceptableDocument(text, { url: String(url), redirectSchemes }), {
      status: 200,
      headers: cachingHeaders(response.headers),
    })
  }
}

/** Whether the outside can be reached, so that metadata documents may be offered. */
export async function canFetchDocuments(fetch: GuardedFetch): Promise<boolean> {
  try {
    await fetch(probedDocument)
    return true
  } catch {
    // Offline, or a proxy stands in between; clients register instead.
    return false
  }
}

function acceptableDocument(
  text: string,
  { url, redirectSchemes }: { url: string; redirectSchemes: readonly string[] },
): string {
  const document = parseObject(text)
  // Key sets and everything else pass as they are; oidc-provider reads them.
  if (document?.client_id !== url) return text
  const uris = Array.isArray(document.redirect_uris) ? document.redirect_uris : []
  const bad = uris
    .map((uri) => redirectUriProblem(uri, redirectSchemes))
    .find((problem) => problem !== undefined)
  if (bad !== undefined) throw new Error(`a redirect URI of the client metadata document ${bad}`)
  // Scopes are asked for with each request; what a document lists beyond ours must not refuse it.
  const { scope: _, ...kept } = document
  return JSON.stringify(
    Object.fromEntries(Object.entries(kept).filter(([, value]) => isGiven(value))),
  )
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(text))
  } catch {
    // Not JSON: whoever asked for it says so.
    return undefined
  }
}

function cachingHeaders(headers: Headers): [string, string][] {
  return ['content-type', 'cache-control', 'expires'].flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })
}
