import { randomBytes } from 'node:crypto'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import type { Decider } from './approvals.ts'
import type { Identity, SignInProvider, SignInSecrets } from './sign-in-provider.ts'

/** How a sign-in ended. `problem` is for the person, and says nothing a stranger chose. */
type SignInOutcome = { ok: true; who: Decider } | { ok: false; problem: string }

/** The interaction that a `state` belongs to, when it is one of ours. */
export function interactionOfState(state: string | undefined): string | undefined {
  return /^signin\.([A-Za-z0-9_-]{20,64})\.[A-Za-z0-9_-]{43}$/.exec(state ?? '')?.[1]
}

interface Pending extends SignInSecrets {
  readonly provider: SignInProvider
  readonly expiresAt: number
}

const lifetimeMs = 10 * 60_000
const maxPending = 200

export type SignIn = ReturnType<typeof createSignIn>

/**
 * Sign-in of the owner elsewhere. What is remembered stays here, is used once, and counts only for
 * the interaction it was made for, which itself is bound to its browser by a cookie.
 */
export function createSignIn(options: {
  providers: readonly SignInProvider[]
  /** `AUTH_ALLOW` */
  allow: readonly string[]
  now: () => number
  logger: Logger
}) {
  const { allow, now, logger } = options
  // Without a list nobody could come in, so nothing is offered.
  const providers = allow.length === 0 ? [] : options.providers
  const pending = new Map<string, Pending>()

  function take(interaction: string, state: string): Pending | undefined {
    if (interactionOfState(state) !== interaction) return undefined
    const found = pending.get(state)
    pending.delete(state)
    return found && found.expiresAt > now() ? found : undefined
  }

  function makeRoom(): void {
    for (const [state, { expiresAt }] of pending) {
      // A map keeps the order of insertion, so the oldest go first.
      if (expiresAt > now() && pending.size < maxPending) return
      pending.delete(state)
    }
  }

  return {
    providers: providers.map(({ name, label }) => ({ name, label })),
    /** Where to send the browser; undefined when there is no such provider, or it cannot be reached. */
    async begin(
      name: string,
      { interaction, origin }: { interaction: string; origin: string },
    ): Promise<string | undefined> {
      const provider = providers.find((one) => one.name === name)
      if (!provider) return undefined
      makeRoom()
      const random = () => randomBytes(32).toString('base64url')
      const secrets: SignInSecrets = {
        state: `signin.${interaction}.${random()}`,
        verifier: random(),
        nonce: random(),
        redirectUri: publicUrls(origin).redirectUri,
      }
      try {
        const url = await provider.authorizationUrl(secrets)
        pending.set(secrets.state, { ...secrets, provider, expiresAt: now() + lifetimeMs })
        return url
      } catch (error) {
        const reason = messageOf(error)
        logger.warn('a sign-in provider cannot be used', { provider: name, reason })
        return undefined
      }
    },
    /** Judges the answer the browser brought back to the same interaction. */
    async finish(interaction: string, answer: URL): Promise<SignInOutcome> {
      const found = take(interaction, answer.searchParams.get('state') ?? '')
      if (!found) return { ok: false, problem: 'This sign-in has expired or was used already.' }
      try {
        const identity = await found.provider.identify(answer, found)
        const { provider, id, login, verifiedEmails } = identity
        // Tokens name what is the same for the same person and for nobody else; people read a name.
        const account = `${provider}:${id}`
        const by = `${provider}:${login ?? verifiedEmails[0] ?? 'unknown'}`
        if (isAllowed(allow, identity)) return { ok: true, who: { account, by } }
        logger.warn('somebody who is not on AUTH_ALLOW signed in', { who: JSON.stringify(by) })
        return { ok: false, problem: 'You are not on the list of people who may allow this.' }
      } catch (error) {
        logger.warn('a sign-in failed', { provider: found.provider.name, reason: messageOf(error) })
        return { ok: false, problem: `Signing in with ${found.provider.label} failed.` }
      }
    },
  }
}

/**
 * Whether somebody is on the list (`AUTH_ALLOW`): an address (`alice@example.com`), every address of
 * a domain (`@example.com`), or a login (`github:alice`). An empty list allows nobody.
 */
function isAllowed(list: readonly string[], identity: Identity): boolean {
  const names = namesOf(identity)
  return list.some((entry) => names.includes(entry.trim().toLowerCase()))
}

/** Everything a list may say to mean this person. */
function namesOf({ provider, login, verifiedEmails }: Identity): string[] {
  const addresses = verifiedEmails.map((email) => email.toLowerCase()).filter(isAddress)
  const domains = addresses.map((email) => email.slice(email.lastIndexOf('@')))
  const logins = login ? [`${provider}:${login}`.toLowerCase()] : []
  return [...addresses, ...domains, ...logins]
}

function isAddress(email: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(email)
}
