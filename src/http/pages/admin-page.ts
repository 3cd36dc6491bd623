import type { BundleCertificate, BundleDescription } from '../../tls/upstream/describe-bundle.ts'
import type { FileVerdict } from '../../tls/upstream/judge-files.ts'
import { html, type Markup, renderPage } from './page.ts'

/** A server with its bundle; without an address when it is not configured any more. */
export interface AdminPageServer {
  readonly name: string
  readonly url: string | undefined
  readonly insecureSkipVerify: boolean
  readonly bundle: BundleDescription | undefined
  /** When somebody has logged in to it. */
  readonly login: { readonly issuer: string; readonly scopes: readonly string[] } | undefined
}

/** What was asked of a server's bundle and not done. */
export interface RefusedUpload {
  readonly server: string
  readonly refusal: {
    readonly status: number
    readonly message: string
    readonly hint: string
    readonly files: readonly FileVerdict[] | undefined
  }
}

interface AdminPageOptions {
  readonly servers: readonly AdminPageServer[]
  readonly configFile: string
  readonly refused: RefusedUpload | undefined
}

/** Whom each server is trusted by, and the forms that change it; works without script. */
export function renderAdminPage({ servers, configFile, refused }: AdminPageOptions): string {
  const body = html`${refused ? refusal(refused) : ''}
<p>Connections to a server trust the built-in roots and, beside them, the authorities given here:
to the server itself and to the authorization servers it names, and nowhere else.</p>
${servers.length === 0 ? html`<p class="soft">No server with an https address is configured in ${configFile}.</p>` : ''}
${servers.map((server) => section(server, configFile))}`
  return renderPage({ title: 'Trusted authorities', body })
}

function refusal({ server, refusal: { message, hint, files } }: RefusedUpload): Markup {
  return html`<div class="alarm" role="alert"><p>${server}: ${files ? 'Nothing was stored.' : message}</p></div>
${files ? fileVerdicts(files) : ''}
<p class="soft">${hint}</p>`
}

function fileVerdicts(files: readonly FileVerdict[]): Markup {
  return html`<dl>${files.map(
    (
      file,
    ) => html`<div><dt>${file.file}: ${file.accepted ? 'accepted' : 'refused'}</dt><dd>${file.message}
<ul>${file.certificates.map(
      ({ verdict, subject, line, message }) =>
        html`<li><strong>${verdict}</strong>${line === undefined ? '' : ` (line ${line})`}: ${subject ? html`<code>${subject}</code>. ` : ''}${message}</li>`,
    )}</ul></dd></div>`,
  )}</dl>`
}

function section(server: AdminPageServer, configFile: string): Markup {
  const { name, url, bundle, insecureSkipVerify, login } = server
  const isSecure = url?.startsWith('https:')
  return html`<section id="server-${name}">
<h2>${name}</h2>
<p class="soft">${url === undefined ? `It is not in ${configFile} any more.` : html`<code>${url}</code>`}</p>
${insecureSkipVerify ? html`<p class="alarm">Its certificate is not checked ("insecureSkipVerify").</p>` : ''}
${bundle ? bundleFacts(bundle) : ''}${isSecure && !bundle ? html`<p>It has no bundle of its own: the built-in roots count.</p>` : ''}
${isSecure ? uploadForm(server) : ''}
${bundle ? removeForm(name) : ''}
${login ? disconnectForm(name, login) : ''}
</section>`
}

function bundleFacts(bundle: BundleDescription): Markup {
  const { certificates, clientCertificate, missing, changed, fingerprint } = bundle
  if (bundle.state === 'refused') {
    return html`<p class="alarm" role="alert">${bundle.problem}</p><p class="soft">${bundle.hint}</p>`
  }
  return html`<dl>
${certificates.map((one) => certificateFacts(one.kind === 'root' ? 'Root' : 'Intermediate', one))}
${clientCertificate ? certificateFacts('Client certificate', clientCertificate) : ''}
${missing.map(({ message }) => html`<div><dt>Missing</dt><dd class="alarm">${message}</dd></div>`)}
<div><dt>Bundle</dt><dd><code>${fingerprint}</code>${changed ? html`<br>changed ${moment(changed.at)} by ${changed.by} from ${changed.from}` : ''}</dd></div>
</dl>`
}

function certificateFacts(
  label: string,
  { subject, fingerprint256, notAfter, daysLeft }: Omit<BundleCertificate, 'kind'>,
): Markup {
  return html`<div><dt>${label}</dt><dd>${subject}<br>
<span class="${daysLeft <= 30 ? 'alarm' : 'soft'}">${expiry(notAfter, daysLeft)}</span><br><code>${fingerprint256}</code></dd></div>`
}

function expiry(notAfter: number, daysLeft: number): string {
  const date = new Date(notAfter).toISOString().slice(0, 10)
  if (daysLeft < 0) return `expired on ${date}`
  return `valid until ${date}, ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'} left`
}

function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function uploadForm({ name, bundle }: AdminPageServer): Markup {
  const client = `client-${name}`
  return html`<form method="post" action="${actionOf(name)}/ca" enctype="multipart/form-data">
<label for="ca-${name}">${bundle ? 'Replace the authorities' : 'Trust authorities'}</label>
<input type="file" class="drop" id="ca-${name}" name="ca_certificate" multiple accept=".pem,.crt,.cer,.cert">
<p class="soft">Choose files, or drop them on the field: .pem, .crt, .cer or .cert, up to 10 MB each. All are taken or none.</p>
<details><summary>Client certificate, for a server that asks who calls</summary>
<label for="${client}">Certificate, with its chain</label>
<input type="file" class="drop" id="${client}" name="client_certificate" accept=".pem,.crt,.cer,.cert">
<label for="${client}-key">Its private key, which is sealed and never shown again</label>
<input type="file" class="drop" id="${client}-key" name="client_key" accept=".pem,.key">
</details>
<div class="buttons"><button class="primary">Upload</button></div>
</form>`
}

function removeForm(name: string): Markup {
  return html`<form method="post" action="${actionOf(name)}/ca/remove">
<details><summary>Remove the bundle</summary>
<p>The built-in roots alone count for ${name} from then on, and its open connections end.</p>
<div class="buttons"><button>Remove the bundle of ${name}</button></div>
</details></form>`
}

function disconnectForm(name: string, login: NonNullable<AdminPageServer['login']>): Markup {
  return html`<form method="post" action="${actionOf(name)}/disconnect">
<p>Logged in at <code>${login.issuer}</code>${login.scopes.length > 0 ? html`, for <code>${login.scopes.join(' ')}</code>` : ''}.</p>
<details><summary>Disconnect</summary>
<p>The login is revoked there and forgotten here; ${name} is used again after somebody has logged in.</p>
<div class="buttons"><button>Disconnect ${name}</button></div>
</details></form>`
}

function actionOf(name: string): string {
  return `/admin/servers/${encodeURIComponent(name)}`
}
