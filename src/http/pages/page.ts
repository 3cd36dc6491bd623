import { createHash } from 'node:crypto'
import { html as escaping, raw } from 'hono/html'
import { printable } from '../../lib/printable.ts'
import { pageStyle } from './page-style.ts'

interface Page {
  readonly title: string
  readonly body: Markup
  /** Goes there by itself after so long. */
  readonly refresh?: { readonly seconds: number; readonly url: string }
  /** Source of a script; the page is then sent with its hash, see `pageResponse`. */
  readonly script?: string
}

const styleHash = createHash('sha256').update(pageStyle).digest('base64')

/**
 * What every page is sent with: nothing may run, frame, or be loaded, and forms come back here.
 * `same-origin` rather than `no-referrer`, which would make a form's Origin header `null`.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** @param scriptHash SHA-256, base64, of the one script that may run */
export function pageResponse(
  text: string,
  status = 200,
  { scriptHash }: { scriptHash?: string } = {},
): Response {
  const headers = new Headers({ 'content-type': 'text/html; charset=utf-8', ...pageHeaders })
  if (scriptHash !== undefined) {
    const policy = pageHeaders['content-security-policy']
    headers.set('content-security-policy', `${policy}; script-src 'sha256-${scriptHash}'`)
  }
  return new Response(text, { status, headers })
}

/** The frame that every page shares; legible on a phone, dark and light, also without script. */
export function renderPage({ title, body, refresh: next, script }: Page): string {
  const refresh =
    next && html`<meta http-equiv="refresh" content="${next.seconds};url=${next.url}">`
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${refresh}
<title>${title} · Sallyport</title>
<style>${raw(pageStyle)}</style>
</head>
<body>
<main>
<p class="brand">Sallyport</p>
<h1>${title}</h1>
${body}
</main>
${script === undefined ? '' : html`<script>${raw(script)}</script>`}
</body>
</html>
`)
}

/** Something `html` made: escaped, and ready to be put into another template. */
export type Markup = ReturnType<typeof escaping>

/** Hono's template, into which text that others chose is put so that it cannot hide or turn around. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return escaping(strings, ...values.map(shown))
}

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown)
  return typeof value === 'string' ? printable(value) : value
}
