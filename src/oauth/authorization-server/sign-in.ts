import { randomBytes } from 'node:crypto'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import { accountOf, displayName, isAllowed } from './allow-list.ts'
import type { Decider } from './approvals.ts'
import type { SignInProvider, SignInSecrets } from './sign-in-provider.ts'

/** How a sign-in ended. `problem` is for the person, and says nothing a stranger chose. */
export type SignInOutcome = { ok: true; who: Decider } | { ok: false; problem: string }

export interface SignIn {
  readonly providers: readonly { readonly name: string; readonly label: string }[]
  /** Where to send the browser; undefined when there is no such provider, or it cannot be reached. */
  begin(provider: string, at: { interaction: string; origin: string }): Promise<string | undefined>
  /** Judges the answer the browser brought back to the same interaction. */
  finish(interaction: string, answer: URL): Promise<SignInOutcome>
}

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
}): SignIn {
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
    async begin(name, { interaction, origin }) {
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
        logger.warn('a sign-in provider cannot be used', {
          provider: name,
          reason: messageOf(error),
        })
        return undefined
      }
    },
    async finish(interaction, answer) {
      const found = take(interaction, answer.searchParams.get('state') ?? '')
      if (!found) return { ok: false, problem: 'This sign-in has expired or was used already.' }
      try {
        const identity = await found.provider.identify(answer, found)
        const by = displayName(identity)
        if (isAllowed(allow, identity))
          return { ok: true, who: { account: accountOf(identity), by } }
        logger.warn('somebody who is not on AUTH_ALLOW signed in', { who: JSON.stringify(by) })
        return { ok: false, problem: 'You are not on the list of people who may allow this.' }
      } catch (error) {
        logger.warn('a sign-in failed', { provider: found.provider.name, reason: messageOf(error) })
        return { ok: false, problem: `Signing in with ${found.provider.label} failed.` }
      }
    },
  }
}
