import type { UpstreamAuthConfig } from '../../../src/config/resolved-config.ts'
import type { PageAnswer } from '../../../src/oauth/client/login-page.ts'
import { createOAuthClient, type OAuthClientRole } from '../../../src/oauth/client/oauth-client.ts'
import { createSealedStore, createSealingKey } from '../../../src/store/sealed-store.ts'
import { silentLogger } from '../../fixtures/silent-logger.ts'
import { createBrowser } from '../browser.ts'
import { defaultAuth } from '../default-auth.ts'
import { createMemoryStore, type MemoryStore } from '../memory-store.ts'
import { createAuthorizedFetch, loginNeededOf } from './authorized-fetch.ts'

/** The OAuth client with one server called `notes`, a clock that stands, and a browser. */
export interface OAuthLab {
  readonly oauth: OAuthClientRole
  readonly documents: MemoryStore['documents']
  readonly changes: string[]
  readonly clock: { ms: number }
  readonly urls: { origin: string }
  call(): Promise<Response>
  /** The link in the error a call ends with. */
  linkOfCall(): Promise<string>
  begin(link: string): Promise<{ location: string; cookie: string }>
  /** Follows a browser from the issuer's address to our redirect URI. */
  browse(location: string): Promise<string>
  logIn(): Promise<PageAnswer>
  /** The same state and configuration after a restart. */
  restart(): OAuthLab
}

const sealingKey = createSealingKey(Buffer.alloc(32, 7), 'the test')

export function createOAuthLab(
  url: string,
  auth: Partial<UpstreamAuthConfig> = {},
  kept: { store: MemoryStore; clock: { ms: number } } = {
    store: createMemoryStore(),
    clock: { ms: 1_800_000_000_000 },
  },
): OAuthLab {
  const { store, clock } = kept
  const changes: string[] = []
  const urls = { origin: 'http://localhost:3001' }
  const oauth = createOAuthClient({
    upstreams: () => [{ name: 'notes', url, auth: { ...defaultAuth, ...auth } }],
    sealedStore: createSealedStore(store, sealingKey),
    urls: () => ({
      redirectUri: `${urls.origin}/api/oauth/callback`,
      clientMetadata: undefined,
      login: (server, ticket) => `${urls.origin}/api/oauth/login/${server}?ticket=${ticket}`,
    }),
    now: () => clock.ms,
    logger: silentLogger,
    onChange: (server, state) => changes.push(`${server} ${state}`),
  })
  const fetchIt = createAuthorizedFetch(fetch, { name: 'notes', url }, oauth)
  const lab: OAuthLab = {
    oauth,
    documents: store.documents,
    changes,
    clock,
    urls,
    call: () => fetchIt(url, { method: 'POST', body: '{}' }),
    async linkOfCall() {
      const outcome = await lab.call().catch((error: unknown) => error)
      const needed = loginNeededOf(outcome)
      if (!needed) throw new Error('the call asked for no login', { cause: outcome })
      return needed.loginUrl
    },
    async begin(link) {
      const ticket = new URL(link).searchParams.get('ticket') ?? ''
      const start = await oauth.beginLogin({ server: 'notes', ticket })
      if (!('location' in start)) throw new Error(start.page.message)
      return { location: start.location, cookie: start.setCookie.split(';')[0] ?? '' }
    },
    async browse(location) {
      const visit = await createBrowser().open(location, (to) => to.origin === urls.origin)
      if (!visit.leftFor) throw new Error(`${visit.url} answered ${visit.status}`)
      return visit.leftFor
    },
    async logIn() {
      const { location, cookie } = await lab.begin(await lab.linkOfCall())
      return oauth.handleCallback({ url: await lab.browse(location), cookie })
    },
    restart: () => createOAuthLab(url, auth, kept),
  }
  return lab
}
