import { validateAuthResponse } from 'oauth4webapi'
import { quoted } from '../../lib/printable.ts'
import type { Login } from './authorization-request.ts'
import { errorAnswer } from './login-page.ts'
import { UpstreamAuthError } from './upstream-auth-error.ts'

/**
 * Checks the answer before its code leaves this process: the address it came to, and its issuer
 * (RFC 9207 2.4) against the one recorded. Its `state` found the login.
 * @throws UpstreamAuthError issuer-mismatch, answer-invalid or denied
 */
export function requireGoodAnswer(login: Login, address: URL): URLSearchParams {
  const { issuer, client } = login
  const { searchParams } = address
  if (`${address.origin}${address.pathname}` !== client.redirectUri) {
    throw invalidAnswer('It came to another address than the one that was registered.')
  }
  // RFC 6749 3.1: no parameter is said twice, or we and another reader may each take one.
  const isRepeated = [...searchParams.keys()].some((name) => searchParams.getAll(name).length > 1)
  if (isRepeated) throw invalidAnswer('It says something twice.')
  const iss = searchParams.get('iss')
  const isMissing = iss === null && issuer.authorization_response_iss_parameter_supported === true
  if (isMissing || (iss !== null && iss !== issuer.issuer)) {
    const named = isMissing ? 'no issuer' : `the issuer ${quoted(iss)}`
    throw new UpstreamAuthError(
      'issuer-mismatch',
      `The answer names ${named} instead of ${quoted(issuer.issuer)}, where this login was begun. Its code was not used.`,
      { hint: 'Do not try again unless you trust that server: somebody may be mixing up logins.' },
    )
  }
  if (!searchParams.has('code') && !searchParams.has('error')) {
    throw invalidAnswer('It holds no code.')
  }
  try {
    return validateAuthResponse(
      issuer,
      { client_id: client.clientId },
      searchParams,
      searchParams.get('state') ?? '',
    )
  } catch (error) {
    const name = searchParams.get('error')
    if (name !== null) throw errorAnswer(name, searchParams.get('error_description'))
    throw invalidAnswer('It breaks RFC 6749.', error)
  }
}

function invalidAnswer(reason: string, cause?: unknown): UpstreamAuthError {
  const message = `The answer of the authorization server cannot be used. ${reason}`
  return new UpstreamAuthError('answer-invalid', message, { hint: 'Begin again.', cause })
}
