import { describeRedirect } from '../../oauth/authorization-server/registration.ts'
import { html, renderPage } from './page.ts'

/** A page that only says something: what happened, and what to do. */
export function renderMessagePage(message: {
  title: string
  text: string
  hint: string | undefined
  /** Where the same can be tried again. */
  retryUrl?: string | undefined
}): string {
  const { title, text, hint, retryUrl } = message
  const retry =
    retryUrl &&
    html`<p class="buttons"><a class="button primary" href="${retryUrl}">Try again</a></p>`
  const body = html`<p>${text}</p>${hint && html`<p class="soft">${hint}</p>`}${retry}`
  return renderPage({ title, body })
}

/** An OAuth error that cannot be sent to the client, because who it is is not proven. */
export function renderErrorPage(problem: { error: string; description: string }): string {
  return renderMessagePage({
    title: 'This request cannot be answered',
    text: `${problem.description === '' ? 'The request is not valid' : problem.description} (${problem.error}).`,
    hint: 'Nothing was allowed. Start again from the application that sent you here; if it happens again, remove the server there and add it anew.',
  })
}

/** On the way back to the client. A link as well, for browsers that do not go on by themselves. */
export function renderContinuePage(next: {
  allowed: boolean
  clientName: string
  redirectUri: string
  url: string
}): string {
  const what = next.allowed ? 'You allowed it.' : 'You did not allow it.'
  const body = html`<p>${what} The answer goes to <strong>${describeRedirect(next.redirectUri, 'this')}</strong>.</p>
<p class="buttons"><a class="button primary" href="${next.url}">Continue to ${next.clientName}</a></p>`
  return renderPage({
    title: next.allowed ? 'Allowed' : 'Not allowed',
    body,
    refresh: { seconds: 0, url: next.url },
  })
}
