import { messageOf } from '../../errors.ts'
import { ownValue } from '../../lib/objects.ts'
import { quoted } from '../../lib/printable.ts'
import { UpstreamAuthError, type UpstreamAuthFailure } from './upstream-auth-error.ts'

/** What the page after a login says. Plain text: whoever renders it escapes it. */
interface LoginPage {
  readonly title: string
  readonly message: string
  /** What to do; undefined when nothing is left to do. */
  readonly hint: string | undefined
  /** Stable name of the failure; left out when the server is connected. */
  readonly failure?: UpstreamAuthFailure
  /** Begins the login anew; only where that may help and the visitor proved to be the right one. */
  readonly retryUrl?: string | undefined
}

export interface PageAnswer {
  readonly status: number
  readonly setCookie?: string
  readonly page: LoginPage
}

export function connectedPage(server: string, setCookie: string): PageAnswer {
  const page: LoginPage = {
    title: `${server} is connected`,
    message: `The gateway can now use the server ${JSON.stringify(server)}. You may close this window.`,
    hint: undefined,
  }
  return { status: 200, setCookie, page }
}

/** The page for an expected failure; rethrows anything else, which is a bug. */
export function failedPage(
  error: unknown,
  about: { server?: string | undefined; retryUrl?: string | undefined; setCookie?: string } = {},
): PageAnswer {
  if (!(error instanceof UpstreamAuthError)) throw error
  const { server } = about
  const page: LoginPage = {
    title: server === undefined ? 'Not connected' : `${server} is not connected`,
    message: messageOf(error),
    hint: error.hint,
    failure: error.failure,
    retryUrl: about.retryUrl,
  }
  const status = statuses[error.failure] ?? 400
  return { status, page, ...(about.setCookie !== undefined && { setCookie: about.setCookie }) }
}

const statuses: Partial<Record<UpstreamAuthFailure, number>> = {
  unreachable: 502,
  'answer-invalid': 502,
  'no-metadata': 502,
  'server-unknown': 404,
  'other-browser': 403,
  'link-expired': 403,
}

/** Refusals that the gateway itself decides, in words. */
const refusals = {
  'login-unknown': [
    'This login was finished before, or was not begun here.',
    'Begin again with the link from the terminal or from the error message.',
  ],
  'login-expired': [
    'This login took longer than ten minutes.',
    'Begin again with the link from the terminal or from the error message.',
  ],
  'other-browser': [
    'This login was begun in another browser, so it was not finished here.',
    'Open the link in the browser you want to log in with, and stay in it. If you did not begin a login, close this window.',
  ],
  'link-expired': [
    'This login link is not valid any more.',
    'Use the newest link from the terminal, or call the server again to get one.',
  ],
  'server-unknown': ['There is no such server.', 'Check its name in the configuration file.'],
} as const satisfies Partial<Record<UpstreamAuthFailure, readonly [string, string]>>

export function loginRefusal(failure: keyof typeof refusals): UpstreamAuthError {
  const [message, hint] = refusals[failure]
  return new UpstreamAuthError(failure, message, { hint })
}

/** RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6: what each error answer asks of a person. */
const answerHints: Readonly<Record<string, string>> = {
  access_denied: 'Begin again and allow the access, or ask the owner of that server to let you in.',
  invalid_scope: 'Set "scopes" in the server\'s "auth" to ones that its issuer knows.',
  invalid_target:
    'The issuer does not know this server\'s address; check "url" in the configuration file.',
  unauthorized_client: 'Allow the authorization code grant for this client at its issuer.',
  temporarily_unavailable: 'Try again in a few minutes.',
  server_error: 'Try again in a few minutes; the fault is with the authorization server.',
}

export function errorAnswer(error: string, description: string | null): UpstreamAuthError {
  const said = description === null ? '' : ` It says: ${quoted(description)}`
  const hint = ownValue(answerHints, error)
  const known = hint === undefined ? quoted(error) : error
  return new UpstreamAuthError('denied', `The authorization server answered ${known}.${said}`, {
    hint: hint ?? 'Begin again. If it stays, ask the operator of that server.',
  })
}
