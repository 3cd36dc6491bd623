import type { LoginPage } from '../../oauth/client/login-page.ts'
import { html } from './html.ts'
import { renderPage } from './page.ts'

/** The end of a login to an upstream: connected, or why not and what to do. */
export function renderUpstreamLoginPage({ title, message, hint, retryUrl }: LoginPage): string {
  const retry =
    retryUrl &&
    html`<p class="buttons"><a class="button primary" href="${retryUrl}">Try again</a></p>`
  const body = html`<p>${message}</p>${hint && html`<p class="soft">${hint}</p>`}${retry}`
  return renderPage({ title, body })
}
