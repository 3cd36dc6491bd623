import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { pageStyle } from './page-style.ts'

/** Something `html` made: escaped, and ready to be put into another template. */
export type Markup = ReturnType<typeof html>

export interface Page {
  readonly title: string
  readonly body: Markup
  /** Goes on by itself after this page was shown. */
  readonly continueTo?: string
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

export function pageResponse(text: string, status = 200): Response {
  const headers = { 'content-type': 'text/html; charset=utf-8', ...pageHeaders }
  return new Response(text, { status, headers })
}

/** The frame that every page shares; legible on a phone, dark and light, without script. */
export function renderPage({ title, body, continueTo }: Page): string {
  const refresh = continueTo && html`<meta http-equiv="refresh" content="0;url=${continueTo}">`
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
</body>
</html>
`)
}
