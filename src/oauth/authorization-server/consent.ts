import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Interaction, Provider } from 'oidc-provider'
import { oauthUrls } from '../oauth-urls.ts'
import type { ApprovalState, Approvals } from './approvals.ts'
import { type ConsentRequest, describeConsent } from './consent-request.ts'
import { type Grants, grantSeconds } from './grants.ts'
import type { IssuerStorage } from './issuer-storage.ts'
import type { GrantableProfile } from './resource-servers.ts'

/** The request and what its page must ask for: proof of being the owner, or a click. */
export type ConsentView =
  | { kind: 'ask'; request: ConsentRequest; approval: ApprovalState; wrongCode: boolean }
  | { kind: 'continue'; request: ConsentRequest; url: string; allowed: boolean }
  /** Expired, answered already, or begun in another browser. */
  | { kind: 'gone' }

export interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly interaction: string
}

export interface Consent {
  /** Whether this browser began the interaction and it still waits for an answer. */
  isOpen(exchange: Exchange): Promise<boolean>
  view(exchange: Exchange): Promise<ConsentView>
  answer(exchange: Exchange, answer: { allow: boolean; code: string }): Promise<ConsentView>
}

export interface ConsentDeps {
  readonly provider: () => Promise<Provider>
  readonly storage: IssuerStorage
  readonly grants: Grants
  readonly approvals: Approvals
  readonly profiles: () => readonly GrantableProfile[]
  readonly now: () => number
}

/** The account of every token: whoever sees the terminal, or is on the list of who may sign in. */
const account = 'owner'

interface Loaded {
  readonly provider: Provider
  readonly details: Interaction
  readonly request: ConsentRequest
}

/** The owner's decision about one authorization request. */
export function createConsent(deps: ConsentDeps): Consent {
  const { approvals, grants, now, storage } = deps

  /** Undefined unless this browser began the interaction; its cookie says so. */
  async function load({ incoming, outgoing, interaction }: Exchange): Promise<Loaded | undefined> {
    const provider = await deps.provider()
    const details = await provider.interactionDetails(incoming, outgoing).catch((error) => {
      if (error?.name === 'SessionNotFound') return undefined
      throw error
    })
    if (details?.uid !== interaction) return undefined
    const request = await describeConsent(details, { provider, profiles: deps.profiles() })
    return request && { provider, details, request }
  }

  async function approvalOf({ details, request }: Loaded): Promise<ApprovalState> {
    // A browser that has given proof before, and a client that was allowed the same before.
    const isKnown = details.session?.accountId === account && (await grants.isRemembered(request))
    if (isKnown) return { state: 'approved', by: account }
    const { interaction: id, issuer: origin, clientId, clientName, redirectHost, profile } = request
    return approvals.open({ id, clientId, clientName, redirectHost, profile, origin })
  }

  async function allow(
    { provider, request }: Loaded,
    options: { exchange: Exchange; by: string },
  ): Promise<ConsentView> {
    const { issuer, clientId, clientName, redirectHost, profile, scopes, oidcScopes } = request
    const grant = new provider.Grant({ accountId: account, clientId })
    const resource = oauthUrls(issuer).resource(profile)
    if (oidcScopes.length > 0) grant.addOIDCScope(oidcScopes.join(' '))
    if (scopes.length > 0) grant.addResourceScope(resource, scopes.join(' '))
    const id = await grant.save()
    const createdAt = now()
    const about = { issuer, clientId, clientName, redirectHost, profile, scopes }
    const expiresAt = createdAt + grantSeconds * 1000
    await grants.remember({ id, ...about, owner: options.by, createdAt }, expiresAt)
    await storage.keepClient(clientId)
    return finish(options.exchange, request, {
      login: { accountId: account, remember: true },
      consent: { grantId: id },
    })
  }

  async function finish(
    { incoming, outgoing }: Exchange,
    request: ConsentRequest,
    result: Parameters<Provider['interactionResult']>[2],
  ): Promise<ConsentView> {
    approvals.close(request.interaction)
    const provider = await deps.provider()
    const url = await provider.interactionResult(incoming, outgoing, result, {
      mergeWithLastSubmission: false,
    })
    return { kind: 'continue', request, url, allowed: 'consent' in result }
  }

  return {
    async isOpen(exchange) {
      const loaded = await load(exchange)
      return loaded !== undefined && loaded.details.result === undefined
    },
    async view(exchange) {
      const loaded = await load(exchange)
      if (!loaded) return { kind: 'gone' }
      const approval = await approvalOf(loaded)
      return { kind: 'ask', request: loaded.request, approval, wrongCode: false }
    },
    async answer(exchange, answer) {
      const loaded = await load(exchange)
      if (!loaded) return { kind: 'gone' }
      const { details, request } = loaded
      // A second click: what was decided stands.
      if (details.result) {
        const allowed = details.result.consent !== undefined
        return { kind: 'continue', request, url: details.returnTo, allowed }
      }
      if (!answer.allow) {
        const error_description = 'the owner refused'
        return finish(exchange, request, { error: 'access_denied', error_description })
      }
      const before = await approvalOf(loaded)
      const typed = before.state === 'waiting' && answer.code !== ''
      const approval = typed ? await approvals.submit(request.interaction, answer.code) : before
      if (approval.state === 'approved') return allow(loaded, { exchange, by: approval.by })
      return { kind: 'ask', request, approval, wrongCode: typed && approval.state === 'waiting' }
    },
  }
}
