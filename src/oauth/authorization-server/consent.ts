import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Interaction, Provider } from 'oidc-provider'
import type { Sender } from '../../origin/client-address.ts'
import { oauthUrls } from '../oauth-urls.ts'
import { type ApprovalState, type Approvals, type Decider, owner } from './approvals.ts'
import { type GrantableProfile, oidcScopes, profileOfResource } from './grantable-profiles.ts'
import type { Grants } from './grants.ts'
import type { IssuerStorage } from './issuer-storage.ts'
import { describeRedirect } from './registration.ts'

/** What the owner is asked to allow. */
export interface ConsentRequest {
  readonly interaction: string
  readonly clientId: string
  readonly clientName: string
  readonly redirectUri: string
  readonly redirectHost: string
  readonly profile: string
  readonly scopes: readonly string[]
  /** Scopes of OpenID Connect, which belong to no resource. */
  readonly oidcScopes: readonly string[]
  readonly issuer: string
}

/** The request and what its page must ask for: proof of being the owner, or a click. */
export type ConsentView =
  | { kind: 'ask'; request: ConsentRequest; approval: ApprovalState; wrongCode: boolean }
  | { kind: 'continue'; request: ConsentRequest; url: string; allowed: boolean }
  /** Expired, answered already, or begun in another browser. */
  | { kind: 'gone' }

export interface ConsentExchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly sender: Sender
  readonly interaction: string
}

interface ConsentDeps {
  readonly provider: () => Promise<Provider>
  readonly storage: IssuerStorage
  readonly grants: Grants
  readonly approvals: Approvals
  readonly profiles: () => readonly GrantableProfile[]
  /** Lets what is fetched meanwhile count for the sender. */
  actingFor<T>(sender: Sender, task: () => Promise<T>): Promise<T>
}

interface Loaded {
  readonly provider: Provider
  readonly details: Interaction
  readonly request: ConsentRequest
}

export type Consent = ReturnType<typeof createConsent>

/** The owner's decision about one authorization request. */
export function createConsent(deps: ConsentDeps) {
  const { approvals, grants, storage } = deps

  /** Undefined unless this browser began the interaction; its cookie says so. */
  async function load(exchange: ConsentExchange): Promise<Loaded | undefined> {
    const { incoming, outgoing, interaction, sender } = exchange
    const provider = await deps.provider()
    const details = await provider.interactionDetails(incoming, outgoing).catch((error) => {
      if (error?.name === 'SessionNotFound') return undefined
      throw error
    })
    if (details?.uid !== interaction) return undefined
    const request = await deps.actingFor(sender, () =>
      describeConsent(details, { provider, profiles: deps.profiles() }),
    )
    return request && { provider, details, request }
  }

  async function approvalOf(
    { details, request }: Loaded,
    { sender }: ConsentExchange,
  ): Promise<ApprovalState> {
    // A browser that has given proof before, and a client that was allowed the same before. Others
    // than the owner sign in each time: they may be on the list no more.
    const isKnown =
      details.session?.accountId === owner.account &&
      (await grants.isRemembered({ ...request, owner: owner.by }))
    if (isKnown) return { state: 'approved', goesOn: false, ...owner }
    const { interaction: id, issuer: origin, clientId, clientName, redirectHost, profile } = request
    return approvals.open({ id, clientId, clientName, redirectHost, profile, origin, sender })
  }

  async function allow(
    { provider, details, request }: Loaded,
    { exchange, who }: { exchange: ConsentExchange; who: Decider },
  ): Promise<ConsentView> {
    await leaveOtherAccount(details, who)
    const { issuer, clientId, clientName, redirectHost, profile, scopes, oidcScopes } = request
    const grant = new provider.Grant({ accountId: who.account, clientId })
    const resource = oauthUrls(issuer).resource(profile)
    if (oidcScopes.length > 0) grant.addOIDCScope(oidcScopes.join(' '))
    if (scopes.length > 0) grant.addResourceScope(resource, scopes.join(' '))
    const id = await grant.save()
    const about = { issuer, clientId, clientName, redirectHost, profile, scopes }
    await grants.remember({ id, ...about, owner: who.by })
    await storage.keepClient(clientId)
    return finish(exchange, request, {
      login: { accountId: who.account, remember: true },
      consent: { grantId: id },
    })
  }

  /** The browser's session may be that of somebody else, who decided before. */
  async function leaveOtherAccount(details: Interaction, { account }: Decider): Promise<void> {
    const { session } = details
    if (session?.uid === undefined || session.accountId === account) return
    await storage.endSession(session.uid)
    Object.assign(details, { session: undefined })
    await details.persist()
  }

  async function finish(
    { incoming, outgoing }: ConsentExchange,
    request: ConsentRequest,
    result: Parameters<Provider['interactionResult']>[2],
  ): Promise<ConsentView> {
    const allowed = 'consent' in result
    approvals.close(request.interaction, allowed ? 'allowed' : 'refused')
    const provider = await deps.provider()
    const url = await provider.interactionResult(incoming, outgoing, result, {
      mergeWithLastSubmission: false,
    })
    return { kind: 'continue', request, url, allowed }
  }

  return {
    /** Whether this browser began the interaction and it still waits for an answer. */
    async isOpen(exchange: ConsentExchange): Promise<boolean> {
      const loaded = await load(exchange)
      return loaded !== undefined && loaded.details.result === undefined
    },
    async view(exchange: ConsentExchange): Promise<ConsentView> {
      const loaded = await load(exchange)
      if (!loaded) return { kind: 'gone' }
      const decided = decidedView(loaded)
      if (decided) return decided
      const approval = await approvalOf(loaded, exchange)
      if (approval.state === 'approved' && approval.goesOn) {
        return allow(loaded, { exchange, who: approval })
      }
      return { kind: 'ask', request: loaded.request, approval, wrongCode: false }
    },
    async answer(
      exchange: ConsentExchange,
      answer: { allow: boolean; code: string },
    ): Promise<ConsentView> {
      const loaded = await load(exchange)
      if (!loaded) return { kind: 'gone' }
      const decided = decidedView(loaded)
      if (decided) return decided
      const { request } = loaded
      if (!answer.allow) {
        const error_description = 'the owner refused'
        return finish(exchange, request, { error: 'access_denied', error_description })
      }
      const before = await approvalOf(loaded, exchange)
      const typed = before.state === 'waiting' && answer.code !== ''
      const approval = typed ? approvals.submit(request.interaction, answer.code) : before
      if (approval.state === 'approved') return allow(loaded, { exchange, who: approval })
      return { kind: 'ask', request, approval, wrongCode: typed && approval.state === 'waiting' }
    },
  }
}

/** A second click, or a page that was loaded again: what was decided stands. */
function decidedView({ details, request }: Loaded): ConsentView | undefined {
  if (!details.result) return undefined
  const allowed = details.result.consent !== undefined
  return { kind: 'continue', request, url: details.returnTo, allowed }
}

/** Undefined when the client was forgotten or the profile removed meanwhile. */
async function describeConsent(
  details: Interaction,
  { provider, profiles }: { provider: Provider; profiles: readonly GrantableProfile[] },
): Promise<ConsentRequest | undefined> {
  const { client_id, redirect_uri, resource, scope } = details.params
  const client = await provider.Client.find(String(client_id))
  const { issuer } = provider
  const profile = profileOfResource([resource].flat()[0], { issuer, profiles })
  if (!client || !profile) return undefined
  const asked = String(scope ?? '').split(' ')
  return {
    interaction: details.uid,
    clientId: client.clientId,
    clientName: plainName(client.clientName ?? client.clientId),
    redirectUri: String(redirect_uri),
    redirectHost: describeRedirect(String(redirect_uri), 'that'),
    profile: profile.name,
    scopes: profile.scopes.filter((one) => asked.includes(one)),
    oidcScopes: asked.filter((one) => oidcScopes.includes(one)),
    issuer,
  }
}

const maxNameLength = 80

/** A stranger chose the name: no control characters, nothing that turns the text around, not long. */
function plainName(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return plain.length > maxNameLength ? `${plain.slice(0, maxNameLength - 1)}…` : plain
}
