import { interactionPolicy } from 'oidc-provider'

/**
 * Every authorization is shown to the owner, also one that was allowed before: a native client's
 * identity cannot be proven (RFC 8252 section 8.6), and metadata documents make client ids public.
 */
export function createConsentPolicy() {
  const policy = interactionPolicy.base()
  policy
    .get('consent')
    ?.checks.add(
      new interactionPolicy.Check(
        'owner_confirms',
        'the owner confirms every authorization',
        'consent_required',
        (ctx) => ctx.oidc.result?.consent === undefined,
      ),
    )
  return policy
}
