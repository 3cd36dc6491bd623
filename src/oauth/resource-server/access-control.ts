import type { Logger } from '../../lib/logger.ts'
import type { Exposure } from '../../origin/exposure.ts'
import { OAuthError } from '../oauth-error.ts'
import { oauthUrls } from '../oauth-urls.ts'
import type { ProfileAuth } from '../policy.ts'
import { baseScope, decideAuth } from '../policy.ts'
import { type ApiKeys, looksLikeApiKey } from './api-keys.ts'
import {
  credentialsNeeded,
  credentialsRefused,
  insufficientScope,
  type Refusal,
  type Target,
} from './protected-resource.ts'
import type { TokenIssuer } from './token-issuer.ts'
import { createTokenMemory } from './token-memory.ts'

/** Who calls, and what they may do; an API key may do everything in its profile. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'key'; readonly keyId: string }
  | TokenHolder

interface TokenHolder {
  readonly kind: 'token'
  readonly issuer: string
  readonly subject: string
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
}

/** Let in, or the answer to send. */
type Access = { readonly ok: true; readonly principal: Principal } | Refusal

export interface AccessRequest extends Target {
  /** Of the listener the request came in through. */
  readonly exposure: Exposure
  readonly authorization: string | undefined
}

interface AccessControlDeps {
  profile(name: string): { readonly auth: ProfileAuth | undefined } | undefined
  readonly allowAnonymous: boolean
  /** Whose tokens are good in an origin. */
  issuers(origin: string): readonly TokenIssuer[]
  /** Whether the grant behind a token of our own still stands. */
  isGrantLive(issuer: string, grantId: string): Promise<boolean>
  readonly apiKeys: Pick<ApiKeys, 'verify'>
  readonly now: () => number
  readonly logger: Logger
}

export type AccessControl = ReturnType<typeof createAccessControl>

/** Decides, for every request to a protected resource, who is let in. */
export function createAccessControl(deps: AccessControlDeps) {
  const { allowAnonymous, logger } = deps
  const tokens = createTokenMemory(deps.now)

  /** What a profile asks for in a listener of that exposure; undefined when it does not exist. */
  function authOf(name: string, exposure: Exposure): ProfileAuth | undefined {
    const profile = deps.profile(name)
    return profile && decideAuth({ exposure, configured: profile.auth, allowAnonymous }).auth
  }

  async function identifyKey(key: string, { profile }: Target): Promise<Principal> {
    const known = await deps.apiKeys.verify(key, profile)
    if (known) return { kind: 'key', keyId: known.id }
    throw new OAuthError('invalid_token', {
      description: 'the API key is unknown, revoked, expired or made for another profile',
    })
  }

  async function identifyToken(token: string, { origin, profile }: Target): Promise<TokenHolder> {
    const resource = oauthUrls(origin).resource(profile)
    const { issuer, subject, clientId, scopes, grantId } = await tokens.claims(
      token,
      resource,
      async () => {
        // With it comes what verifies signatures, which a gateway without tokens never needs.
        const { verifyAccessToken } = await import('./access-token.ts')
        const now = new Date(deps.now())
        return verifyAccessToken(token, { issuers: deps.issuers(origin), resource, now })
      },
    )
    if (grantId === undefined || (await deps.isGrantLive(issuer, grantId))) {
      return { kind: 'token', issuer, subject, clientId, scopes }
    }
    throw new OAuthError('invalid_token', {
      description: 'the access token is not accepted: its grant was revoked',
    })
  }

  async function identify(auth: ProfileAuth, request: AccessRequest): Promise<Access> {
    const credentials = readCredentials(request.authorization)
    if (credentials.kind === 'absent') return credentialsNeeded(auth, request)
    if (credentials.kind === 'unusable') {
      throw new OAuthError('invalid_token', { description: credentials.reason })
    }
    const { token } = credentials
    if (looksLikeApiKey(token)) return { ok: true, principal: await identifyKey(token, request) }
    if (auth === 'key') {
      throw new OAuthError('invalid_token', { description: 'this profile takes API keys only' })
    }
    return requireScopes(await identifyToken(token, request), [baseScope], request)
  }

  /** Whether a token that was let in has all scopes that are needed; the refusal names them all. */
  function requireScopes(
    principal: TokenHolder,
    needed: readonly string[],
    target: Target,
  ): Access {
    if (needed.every((scope) => principal.scopes.includes(scope))) return { ok: true, principal }
    return insufficientScope(needed, target)
  }

  return {
    authOf,
    requireScopes,
    async authorize(request: AccessRequest): Promise<Access> {
      const auth = authOf(request.profile, request.exposure)
      // A profile that does not exist has nothing to protect; the route says that it is not there.
      if (auth === undefined || auth === 'none') {
        return { ok: true, principal: { kind: 'anonymous' } }
      }
      try {
        return await identify(auth, request)
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        logger.info('refused a request', { profile: request.profile, reason: error.reason })
        return credentialsRefused(error, request)
      }
    },
  }
}

/** One string per caller: equal for two requests when the same client calls for the same person. */
export function callerKey(principal: Principal): string {
  switch (principal.kind) {
    case 'anonymous':
      return 'anonymous'
    case 'key':
      return `key ${principal.keyId}`
    case 'token':
      return JSON.stringify([principal.issuer, principal.subject, principal.clientId])
  }
}

/** What an Authorization header carries. */
type Credentials =
  | { kind: 'absent' }
  | { kind: 'unusable'; reason: string }
  | { kind: 'bearer'; token: string }

// RFC 6750 section 2.1: b64token.
const bearerForm = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** Longer than any token of ours; a header may be longer, and hashing or parsing it would cost. */
const maxTokenLength = 8_192

function readCredentials(header: string | undefined): Credentials {
  if (header === undefined || header.trim() === '') return { kind: 'absent' }
  const token = bearerForm.exec(header.trim())?.[1]
  if (token === undefined) {
    return { kind: 'unusable', reason: 'the Authorization header is not a bearer token' }
  }
  if (token.length > maxTokenLength) return { kind: 'unusable', reason: 'the token is too long' }
  return { kind: 'bearer', token }
}
