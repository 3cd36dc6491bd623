import { count } from '../../lib/wording.ts'
import type { ApprovalState } from '../../oauth/authorization-server/approvals.ts'
import type { ConsentRequest } from '../../oauth/authorization-server/consent.ts'
import { describeRedirect } from '../../oauth/authorization-server/registration.ts'
import { oauthPaths } from '../../oauth/oauth-urls.ts'
import { html, type Markup, renderPage } from './page.ts'

/** What a profile gives access to. */
export interface ProfileContent {
  readonly description: string | undefined
  readonly servers: readonly { readonly name: string; readonly tools: readonly string[] }[]
}

interface ConsentPageOptions {
  readonly request: ConsentRequest
  readonly content: ProfileContent
  readonly approval: ApprovalState
  readonly wrongCode: boolean
  /** Where the owner may sign in instead of typing the code. */
  readonly signIn: readonly { readonly name: string; readonly label: string }[]
  /** The code is being typed, so that the page must not be loaded anew meanwhile. */
  readonly typing: boolean
}

/** How often a page looks whether it was allowed on the terminal, s. */
const lookSeconds = 3

/** Asks the owner whether a client may use a profile. */
export function renderConsentPage(options: ConsentPageOptions): string {
  const { request, content, approval } = options
  const url = oauthPaths.consent(request.interaction)
  const body = html`<p><strong>${request.clientName}</strong> asks to use the profile
<strong>${request.profile}</strong> of this gateway.</p>
${facts(request, content)}
${approval.state === 'over' || approval.state === 'denied' ? ending(approval.state) : form(options)}`
  return renderPage({
    title: 'Allow access to your tools?',
    body,
    ...(waitsForKey(options) && { refresh: { seconds: lookSeconds, url } }),
  })
}

/** Whether the terminal decides about this page, which then goes on by itself. */
function waitsForKey({ approval, typing }: ConsentPageOptions): boolean {
  return approval.state === 'waiting' && approval.local && !typing
}

function facts(request: ConsentRequest, content: ProfileContent): Markup {
  return html`<dl>
<div><dt>Application, as it calls itself</dt><dd>${request.clientName}<br><code>${request.clientId}</code></dd></div>
<div><dt>The answer goes to</dt><dd><strong>${describeRedirect(request.redirectUri, 'this')}</strong><br><code>${request.redirectUri}</code></dd></div>
<div><dt>Profile</dt><dd>${request.profile}${content.description ? `: ${content.description}` : ''}<br><code>${request.issuer}</code></dd></div>
<div><dt>Servers and tools</dt><dd>${content.servers.map(serverTools)}</dd></div>
<div><dt>Scopes</dt><dd>${request.scopes.map((scope) => html`<code>${scope}</code> `)}</dd></div>
</dl>`
}

/** A server with its tools, which are shown when asked for. */
export function serverTools(server: ProfileContent['servers'][number]): Markup {
  return html`<details><summary>${server.name}: ${count(server.tools.length, 'tool')}</summary>
<ul>${server.tools.map((tool) => html`<li><code>${tool}</code></li>`)}</ul></details>`
}

function form(options: ConsentPageOptions): Markup {
  const { request, approval, signIn } = options
  const byKey = waitsForKey(options)
  return html`<form method="post" action="${oauthPaths.consent(request.interaction)}" autocomplete="off">
${approval.state === 'waiting' ? proof(approval, options) : ''}
${approval.state === 'busy' ? busy() : ''}
${approval.state === 'approved' ? html`<p class="soft">Confirmed by ${approval.by}.</p>` : ''}
<div class="buttons">
${byKey ? '' : html`<button class="primary" name="decision" value="allow">Allow</button>`}
<button name="decision" value="deny" formnovalidate>Do not allow</button>
</div>
</form>
${byKey ? codeLink(request) : ''}
${approval.state === 'waiting' ? signIn.map((one) => signInLink(request, one)) : ''}
<p class="soft">Only go on if you started this yourself, just now, in ${request.clientName}.</p>`
}

function proof(
  approval: ApprovalState & { state: 'waiting' },
  options: ConsentPageOptions,
): Markup {
  const name = html`<span class="reference">${approval.reference}</span>`
  if (waitsForKey(options)) {
    return html`<p>The terminal in which the gateway runs shows this request as ${name}. Press
<code>y</code> there to allow it; this page then goes on by itself.</p>`
  }
  const left = approval.triesLeft === 1 ? 'One try is' : `${approval.triesLeft} tries are`
  return html`${options.wrongCode ? html`<p class="alarm" role="alert">That was not the code. ${left} left.</p>` : ''}
<p>The terminal in which the gateway runs shows a code for the request ${name}. Type it here.</p>
<label for="code">Six-digit code</label>
<input type="text" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="7" pattern="[0-9]{3}[ \\-]?[0-9]{3}" autofocus>`
}

function codeLink(request: ConsentRequest): Markup {
  const url = `${oauthPaths.consent(request.interaction)}?by=code`
  return html`<p class="buttons"><a class="button" href="${url}">Type the code of the terminal instead</a></p>`
}

function signInLink(request: ConsentRequest, provider: { name: string; label: string }): Markup {
  const url = `${oauthPaths.consent(request.interaction)}/sign-in/${encodeURIComponent(provider.name)}`
  return html`<p class="buttons"><a class="button" href="${url}">Sign in with ${provider.label} instead</a></p>`
}

function busy(): Markup {
  return html`<p class="alarm" role="alert">Too many requests came lately, so this one was not shown to the owner. Press <code>x</code> in the terminal of the gateway, or wait ten minutes, then load this page again.</p>`
}

function ending(state: 'over' | 'denied'): Markup {
  const text =
    state === 'denied'
      ? 'The request was refused on the terminal.'
      : 'The time is up, or too many wrong codes were typed.'
  return html`<p class="alarm" role="alert">${text}</p>
<p>Nothing was allowed. Start again from the application that sent you here.</p>`
}
