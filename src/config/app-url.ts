import { UserError } from '../errors.ts'
import { isLoopbackHost, isPlainHost } from '../lib/hosts.ts'
import type { TunnelSelection } from './resolved-config.ts'

type AppUrlVerdict =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly message: string }

export interface AppUrlOptions {
  readonly tunnel: TunnelSelection
  /** What APP_URL holds, and whether a person or possibly we wrote it. */
  readonly given: { readonly value: string; readonly from: AppUrlSource } | undefined
}

/** A value from `.env` is a placeholder, unless it can only be an address of the user's own. */
type AppUrlSource = 'environment' | 'env-file'

interface AppUrlDecision {
  /** The user's own public origin, without a trailing slash. */
  readonly appUrl: string | undefined
  readonly warnings: readonly string[]
}

/**
 * Decides whether the user brought a public address.
 * @throws UserError APP_URL_INVALID when they did but it cannot be used, or when
 * `TUNNEL=external` needs one and there is none
 */
export function resolveAppUrl({ tunnel, given }: AppUrlOptions): AppUrlDecision {
  if (tunnel !== 'auto' && tunnel !== 'external') return ignored(tunnel, given?.from)
  if (given?.from === 'env-file' && isPlaceholder(given.value)) {
    if (tunnel === 'external') throw missing()
    return { appUrl: undefined, warnings: placeholderWarnings(given.value) }
  }
  if (!given) {
    if (tunnel === 'external') throw missing()
    return { appUrl: undefined, warnings: [] }
  }
  const verdict = parseAppUrl(given.value)
  if (!verdict.ok) throw invalid(verdict.message)
  return { appUrl: verdict.url.origin, warnings: plainHttpWarnings(verdict.url) }
}

/** Checks that a text is an origin the gateway can be reached at. */
export function parseAppUrl(text: string): AppUrlVerdict {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null
  if (!url) return bad('must be an absolute URL that starts with https:// or http://')
  if (url.username !== '' || url.password !== '')
    return bad('must not hold a user name or password')
  if (url.search !== '' || url.hash !== '') return bad('must not have a query or a fragment')
  if (url.pathname !== '/') return bad('must not have a path; the gateway serves a whole origin')
  if (!isPlainHost(url.hostname))
    return bad('must name a host of letters, digits and hyphens, or an IP address')
  return { ok: true, url }
}

function bad(message: string): AppUrlVerdict {
  return { ok: false, message }
}

function isPlaceholder(text: string): boolean {
  const url = URL.parse(text)
  return url?.protocol !== 'https:' || isLoopbackHost(url.hostname)
}

function ignored(tunnel: TunnelSelection, from: AppUrlSource | undefined): AppUrlDecision {
  const why = tunnel === 'order' ? 'names a provider' : `is ${tunnel}`
  const warning = `APP_URL is set but not used, because TUNNEL ${why}.`
  return { appUrl: undefined, warnings: from === 'environment' ? [warning] : [] }
}

function placeholderWarnings(text: string): string[] {
  const url = URL.parse(text)
  if (url && isLoopbackHost(url.hostname)) return []
  return [
    'APP_URL in .env is not an https:// address, so it is taken for a placeholder and rewritten while the gateway runs. To use it as it is, set it in the environment.',
  ]
}

function plainHttpWarnings(url: URL): string[] {
  if (url.protocol === 'https:' || isLoopbackHost(url.hostname)) return []
  return [
    'APP_URL starts with http:// but is not on this machine: OAuth clients refuse such an address, and claude.ai and ChatGPT connect to https:// only. Put HTTPS in front of it and change APP_URL.',
  ]
}

function invalid(message: string): UserError {
  return new UserError('APP_URL_INVALID', `APP_URL cannot be used: it ${message}.`, {
    hint: 'Set APP_URL to an origin such as https://mcp.example.com, or remove it to get an address from TUNNEL.',
  })
}

function missing(): UserError {
  return new UserError(
    'APP_URL_INVALID',
    'TUNNEL is external, but there is no APP_URL to be reached at.',
    {
      hint: 'Set APP_URL to your public address, such as https://mcp.example.com, or set TUNNEL to auto. In .env, only an https:// address that is not on this machine counts.',
    },
  )
}
