import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JSONWebKeySet } from 'jose'
import type { errors, Provider } from 'oidc-provider'
import type { Logger } from '../../lib/logger.ts'
import type { Sender } from '../../origin/client-address.ts'
import type { Store } from '../../store/store.ts'
import type { Approvals } from './approvals.ts'
import { type Consent, createConsent } from './consent.ts'
import type { Grants } from './grants.ts'
import { createIssuerStorage, type IssuerStorage } from './issuer-storage.ts'
import type { ProviderSettings } from './provider-configuration.ts'
import { createSenderBudget } from './sender-budget.ts'
import type { KeyRing, SigningKeys } from './signing-keys.ts'

export interface OAuthRequest {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly sender: Sender
}

interface AuthorizationServersDeps
  extends Pick<ProviderSettings, 'profiles' | 'fetch' | 'renderError' | 'errorHeaders'> {
  readonly store: Store
  readonly keys: SigningKeys
  readonly grants: Grants
  readonly approvals: Approvals
  /** Whether the outside can be reached, without which metadata documents are not offered. */
  readonly clientMetadataDocuments: () => boolean
  readonly now: () => number
  readonly logger: Logger
}

interface Issuer {
  readonly storage: IssuerStorage
  readonly consent: Consent
  running?: Running
}

interface Running {
  readonly provider: Provider
  readonly handle: ReturnType<Provider['callback']>
  /** What it was made with; it is made anew when one of these changes. */
  readonly keys: KeyRing
  readonly clientMetadataDocuments: boolean
}

/** Metadata documents that are fetched a minute: for one sender, and for all strangers together. */
const fetchesPerMinute = { each: 10, all: 60 }

export type AuthorizationServers = ReturnType<typeof createAuthorizationServers>

/**
 * The authorization servers of every origin, over one store. Each is created when it is first asked
 * for, so that a new public origin is a new issuer at once; and anew when the keys or what it offers
 * has changed. The way of a client: it registers (`registration.ts`) or names a document
 * (`client-documents.ts`); its request is tidied and judged (`provider.ts`), shown to the owner
 * (`consent.ts`) who proves to be the owner (`approvals.ts`, `sign-in.ts`); what is allowed is a grant
 * (`grants.ts`), and all else is kept by `issuer-storage.ts`.
 */
export function createAuthorizationServers(deps: AuthorizationServersDeps) {
  const { grants, keys, now } = deps
  const issuers = new Map<string, Issuer>()
  const fetches = createSenderBudget({ ...fetchesPerMinute, windowMs: 60_000, now })
  const senders = new AsyncLocalStorage<Sender>()
  const mayFetch = () => {
    const sender = senders.getStore()
    return sender !== undefined && fetches.take(sender)
  }

  function issuerOf(origin: string): Issuer {
    const known = issuers.get(origin)
    if (known) return known
    const storage = createIssuerStorage({ ...deps, issuer: origin })
    const consent = createConsent({
      ...deps,
      storage,
      provider: async () => (await run(origin)).provider,
      actingFor: (sender, task) => senders.run(sender, task),
    })
    const issuer: Issuer = { storage, consent }
    issuers.set(origin, issuer)
    return issuer
  }

  async function run(origin: string): Promise<Running> {
    const issuer = issuerOf(origin)
    const ring = await keys.current()
    const clientMetadataDocuments = deps.clientMetadataDocuments()
    const { running } = issuer
    if (running?.keys === ring && running.clientMetadataDocuments === clientMetadataDocuments) {
      return running
    }
    // Most gateways never grant anything: oidc-provider is loaded with the first OAuth request.
    const { createProvider } = await import('./provider.ts')
    const provider = createProvider({
      ...deps,
      issuer: origin,
      storage: issuer.storage,
      keys: ring,
      clientMetadataDocuments,
      mayFetch,
      isKnownClient: (clientId) => grants.isKnownClient(origin, clientId),
    })
    logErrors(provider, deps.logger)
    issuer.running = { provider, handle: provider.callback(), keys: ring, clientMetadataDocuments }
    return issuer.running
  }

  return {
    /** Answers a request to one of the OAuth endpoints of an origin. */
    async handle(origin: string, { incoming, outgoing, sender }: OAuthRequest): Promise<void> {
      const { handle } = await run(origin)
      await senders.run(sender, () => handle(incoming, outgoing))
    },
    consent: (origin: string): Consent => issuerOf(origin).consent,
    publicKeys: async (): Promise<JSONWebKeySet> => (await keys.current()).publicJwks,
  }
}

function logErrors(provider: Provider, logger: Logger): void {
  const refused = (_ctx: unknown, error: errors.OIDCProviderError) => {
    logger.info('refused an OAuth request', { reason: error.error_detail ?? error.message })
  }
  provider.on('authorization.error', refused)
  provider.on('grant.error', refused)
  provider.on('registration_create.error', refused)
  const failed = (error: Error) => {
    logger.error('the authorization server failed', { error: error.message, stack: error.stack })
  }
  provider.on('server_error', (_ctx, error) => failed(error))
  // Koa prints what nobody listens to.
  const koa: EventEmitter = provider
  koa.on('error', failed)
}
