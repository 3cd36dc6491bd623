import { createHash } from 'node:crypto'
import { raw } from 'hono/html'
import { renderSVG } from 'uqr'
import { type ClientConnection, type McpClient, requireUsable } from '../../clients/mcp-client.ts'
import { mcpClients } from '../../clients/mcp-clients.ts'
import { launchCommand, type TrustFilePaths } from '../../clients/trust-variables.ts'
import { type ProfileContent, serverTools } from './consent-page.ts'
import { html, type Markup, renderPage } from './page.ts'

/** What somebody sees who opens an endpoint in a browser. */
export interface ConnectPage {
  readonly profile: string
  readonly description: string | undefined
  readonly connection: ClientConnection
  readonly auth: 'none' | 'key' | 'oauth'
  /** Who may see them sees them; undefined for everybody else. */
  readonly servers: ProfileContent['servers'] | undefined
  /**
   * `files`: signed by our authority, and read on its machine. `elsewhere`: the same, from another
   * machine. `none`: nothing has to be trusted first.
   */
  readonly trust:
    | { kind: 'files'; files: TrustFilePaths }
    | { kind: 'elsewhere' }
    | { kind: 'none' }
  readonly platform: NodeJS.Platform
}

const letIn: Readonly<Record<ConnectPage['auth'], string>> = {
  none: 'Clients need no login here.',
  oauth: 'A client that connects is sent to a page on which the owner of this gateway lets it in.',
  key: 'A client needs an API key, which the owner of this gateway makes.',
}

/** Says what the address is, and how each client is connected to it. Holds no secret. */
export function renderConnectPage(page: ConnectPage): string {
  const { profile, description, connection, servers } = page
  const usable = mcpClients.filter((client) => isUsable(client, connection))
  const others = mcpClients.filter((client) => !usable.includes(client))
  const what = description ?? `The profile ${profile} of a gateway in front of MCP servers.`
  const body = html`<p>${what}</p>
<p>This address is for MCP clients. A browser shows how to connect them, and nothing else.</p>
<div class="address">${raw(renderSVG(connection.url, { border: 1 }))}
<div><p class="soft">Address</p>${copyable('address', connection.url)}
<p class="soft">${letIn[page.auth]}</p></div></div>
${trustNote(page)}
<h2>Connect a client</h2>
${usable.map((client, index) => clientDetails(client, page, index === 0))}
${others.length > 0 ? notFromHere(others, page) : ''}
${servers ? html`<h2>Tools</h2>${servers.map(serverTools)}` : ''}`
  return renderPage({ title: `MCP: ${profile}`, body, script: copyScript })
}

function isUsable(client: McpClient, connection: ClientConnection): boolean {
  try {
    requireUsable(client, connection)
    return true
  } catch {
    // Why not is said below the others, for all of them at once.
    return false
  }
}

function clientDetails(client: McpClient, page: ConnectPage, isOpen: boolean): Markup {
  const { connection } = page
  const { place, text, language } = client.snippet(connection)
  const command = client.command?.(connection)
  const links = client.links?.(connection) ?? []
  const where = language === 'text' ? `Under ${place}, with` : `This, in ${place}`
  return html`<details class="client" name="client"${isOpen ? ' open' : ''}><summary>${client.title}</summary>
${links.length > 0 ? html`<p class="buttons">${links.map(linkButton)}</p>` : ''}
<p>${where}</p>${copyable(`${client.id}-snippet`, text)}
${command === undefined ? '' : html`<p>or with</p>${copyable(`${client.id}-command`, command)}`}
${startHint(client, page)}
<p class="soft">${client.next(connection)}</p></details>`
}

function linkButton({ label, url }: { label: string; url: string }): Markup {
  return html`<a class="button" href="${url}">${label}</a>`
}

function copyable(id: string, text: string): Markup {
  return html`<div class="copyable"><pre id="${id}" tabindex="0">${text}</pre>
<button type="button" data-copy="${id}" hidden>Copy</button></div>`
}

function startHint({ trust, id }: McpClient, { trust: need, platform }: ConnectPage) {
  if (need.kind !== 'files' || !trust?.program) return ''
  const start = launchCommand(
    trust.program,
    { variable: trust.variable, files: need.files },
    platform,
  )
  return html`<p>and start it with the certificate authority it has to trust</p>
${copyable(`${id}-start`, start)}`
}

function trustNote({ trust }: ConnectPage) {
  if (trust.kind !== 'elsewhere') return ''
  return html`<p class="alarm">The certificate of this address is signed by an authority of its owner's.
Clients have to be told to trust it: ask the owner for its file.</p>`
}

function notFromHere(clients: readonly McpClient[], { connection }: ConnectPage): Markup {
  const cloud = clients.filter(({ dials }) => dials === 'cloud').map(({ title }) => title)
  const keyless = clients.filter(({ dials }) => dials === 'machine').map(({ title }) => title)
  const isKeyed = connection.keyVariable !== undefined
  return html`<p class="soft">${cloud.length > 0 && !isKeyed ? `${cloud.join(', ')}: they call from elsewhere, and reach this gateway only while it has a tunnel. ` : ''}
${isKeyed ? `${[...cloud, ...keyless].join(', ')}: they cannot be given a key, or not at this address.` : ''}</p>`
}

/**
 * Makes the copy buttons work, and shows them: without script, or without a clipboard, there are
 * none. Its hash is in the content security policy of the page that has it.
 */
const copyScript = `
if (navigator.clipboard) for (const button of document.querySelectorAll('button[data-copy]')) {
  const label = button.textContent
  button.hidden = false
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy)
    button.textContent = await navigator.clipboard.writeText(source.textContent)
      .then(() => 'Copied', () => 'Select it by hand')
    setTimeout(() => { button.textContent = label }, 2000)
  })
}
`

export const copyScriptHash = createHash('sha256').update(copyScript).digest('base64')
